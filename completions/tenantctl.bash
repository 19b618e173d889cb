# Completion of tenantctl for bash 3.2 and newer: source it, or install it as
# /etc/bash_completion.d/tenantctl.
_tenantctl() {
    local line
    local words=("${COMP_WORDS[@]}")
    # Up to the cursor.
    [[ ${BASH_VERSINFO[0]} -ge 4 ]] && words[COMP_CWORD]="$2"
    # Between `=` and the cursor nothing is typed yet: for bash the word is the `=`.
    [[ ${COMP_WORDS[COMP_CWORD]} == [=:] ]] && words[COMP_CWORD]="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(COMPLETE=bash _CLAP_COMPLETE_INDEX="$COMP_CWORD" tenantctl -- "${words[@]}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/,] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o nosort -F _tenantctl tenantctl 2>/dev/null ||
    complete -o bashdefault -F _tenantctl tenantctl
