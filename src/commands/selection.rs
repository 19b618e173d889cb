//! Turns the flags of a selector and its `--from-file` into one `Selector`.

use std::io::Read;

use crate::cli::SelectorArgs;
use crate::model::{Demand, ErrorKind, Selector, Tenant, TenantRef, escape_controls, shorten};
use crate::output::Failure;

/// How many bytes of `--from-file` are read.
const SIZE_LIMIT: u64 = 8 * 1024 * 1024;

/// Returns the selector. Without any flag it selects all tenants if `all_by_default`, which only
/// commands that write nothing may pass, and is a usage error otherwise.
pub(super) fn selector(args: SelectorArgs, all_by_default: bool) -> Result<Selector, Failure> {
    let mut selector = Selector {
        tenants: args.tenant,
        all: args.all,
        labels: args.label,
        status: args.status,
        locked: args.locked,
        exclude: args.exclude,
        allows_none: args.allow_empty,
        demand: Demand::Named,
    };
    if let Some(path) = &args.from_file {
        let name = path.display().to_string();
        let unreadable =
            |error: std::io::Error| Failure::new(ErrorKind::Usage, format!("read {name}: {error}"));
        let mut text = String::new();
        if name == "-" {
            std::io::stdin().take(SIZE_LIMIT).read_to_string(&mut text).map_err(unreadable)?;
        } else {
            let file = std::fs::File::open(path).map_err(unreadable)?;
            file.take(SIZE_LIMIT).read_to_string(&mut text).map_err(unreadable)?;
        }
        selector.tenants.extend(tenants(&name, &text)?);
        if selector.is_empty() {
            return Err(Failure::new(
                ErrorKind::Usage,
                format!("select tenants: {name} names none"),
            ));
        }
    }
    if selector.is_empty() {
        if !all_by_default {
            let message = "select tenants: none are chosen";
            return Err(Failure::new(ErrorKind::Usage, message).hint(
                "pass --tenant TENANT, --label K=V, --status STATUS, --locked, --from-file FILE or --all",
            ));
        }
        selector.all = true;
    }
    Ok(selector)
}

/// How many tenants a question names.
const NAMED: usize = 5;

/// Returns how many tenants there are, and the first of them, for a question.
pub(super) fn named<'a>(noun: &str, tenants: impl IntoIterator<Item = &'a Tenant>) -> String {
    let slugs: Vec<_> = tenants.into_iter().map(|tenant| tenant.slug.as_str()).collect();
    let more = if slugs.len() > NAMED { ", …" } else { "" };
    let first = slugs.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    format!("{} {noun} ({first}{more})", slugs.len())
}

/// Returns whether anything of a selector was typed.
pub(super) fn is_chosen(args: &SelectorArgs) -> bool {
    !args.tenant.is_empty()
        || args.all
        || !args.label.is_empty()
        || args.status.is_some()
        || args.locked
        || !args.exclude.is_empty()
        || args.from_file.is_some()
}

/// One tenant, or as many as a selector picks.
pub(super) enum Which {
    One(TenantRef),
    Many(Selector),
}

/// Returns whom a command for one tenant or several is about: one when exactly one is named and
/// nothing else is said.
pub(super) fn which(named: Vec<TenantRef>, args: SelectorArgs) -> Result<Which, Failure> {
    let mut args = args;
    args.tenant.splice(0..0, named);
    let is_list = args.from_file.is_some();
    let selector = selector(args, false)?;
    let by_name_alone = !is_list && !selector.all && !selector.is_by_property();
    match selector.tenants.as_slice() {
        [one] if by_name_alone && selector.exclude.is_empty() => Ok(Which::One(one.clone())),
        _ => Ok(Which::Many(selector)),
    }
}

fn tenants(name: &str, text: &str) -> Result<Vec<TenantRef>, Failure> {
    let mut tenants = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let word = line.trim();
        if word.is_empty() || word.starts_with('#') {
            continue;
        }
        let tenant = word.parse().map_err(|error: crate::model::SlugError| {
            let shown = shorten(&escape_controls(word), 50);
            let message = format!("read {name}: line {} `{shown}`: {error}", index + 1);
            Failure::new(ErrorKind::Usage, message)
        })?;
        if !tenants.contains(&tenant) {
            tenants.push(tenant);
        }
    }
    Ok(tenants)
}
