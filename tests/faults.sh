#!/usr/bin/env bash
# Counts which of the faults and hostile inputs in tests/faults.md are survived: `F: n of N`.
# With an argument it reads what `cargo test` printed; without one it runs the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

log=${1:-}
if [ -z "$log" ]; then
    log=target/faults.log
    cargo test --locked --lib --test suite 2>&1 | tee "$log"
fi

awk -F'|' -v log_file="$log" '
    BEGIN {
        while ((getline line < log_file) > 0)
            if (line ~ /^test .* \.\.\. ok$/) { split(line, word, " "); passed[word[2]] = 1 }
    }
    $2 ~ /^ [FB][0-9]/ {
        gsub(/ /, "", $2)
        letter = substr($2, 1, 1)
        first = last = substr($2, 2)
        if (split($2, range, "–") == 2) { first = substr(range[1], 2); last = substr(range[2], 2) }
        count = last - first + 1
        all[letter] += count
        tests = split($4, test, "`")
        missing = tests < 2 ? " no test shows it" : ""
        for (i = 2; i <= tests; i += 2) if (!(test[i] in passed)) missing = missing " " test[i]
        if (missing == "") survived[letter] += count
        else print "not survived: " $2 ":" $3 "(" substr(missing, 2) ")"
    }
    END { for (i = 1; i <= 2; i++) { l = substr("FB", i, 1); print l ": " survived[l] + 0 " of " all[l] " survived" } }
' tests/faults.md
