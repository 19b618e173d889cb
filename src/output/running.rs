//! How far an act on many tenants is, in one line.

use std::time::{Duration, Instant};

use super::words::{shown, whole_seconds};
use crate::model::Slug;

/// How many of the tenants under way are named.
const NAMED: usize = 3;

/// Where an act on many tenants stands.
#[derive(Debug)]
pub(super) struct Running {
    began: Instant,
    total: usize,
    /// How many of them have to be opened: the others take no time.
    to_open: usize,
    finished: usize,
    failed: usize,
    /// The tenants under way and since when, longest first.
    now: Vec<(Slug, Instant)>,
    /// Why it is slower than it could be.
    slow: Option<String>,
}

impl Running {
    /// Returns an act on so many tenants, of which so many have to be opened, that begins now.
    pub(super) fn new(total: usize, to_open: usize, began: Instant) -> Self {
        Self { began, total, to_open, finished: 0, failed: 0, now: Vec::new(), slow: None }
    }

    pub(super) fn began(&self) -> Instant {
        self.began
    }

    pub(super) fn started(&mut self, tenant: &Slug, at: Instant) {
        self.now.push((tenant.clone(), at));
    }

    /// So many at a time from now on, and why it is not more.
    pub(super) fn paced(&mut self, jobs: usize, why: Option<&str>) {
        self.slow = why.map(|why| format!("{jobs} at a time, {why}"));
    }

    /// It has another turn later.
    pub(super) fn postponed(&mut self, tenant: &Slug) {
        self.now.retain(|(slug, _)| slug != tenant);
    }

    pub(super) fn finished(&mut self, tenant: &Slug, has_failed: bool) {
        self.now.retain(|(slug, _)| slug != tenant);
        self.finished += 1;
        self.failed += usize::from(has_failed);
    }

    /// Returns done of total, failures, rate, remaining time, and who is under way for how long.
    pub(super) fn text(&self, now: Instant) -> String {
        let Self { total, finished, failed, .. } = *self;
        let mut parts = vec![format!("{finished} of {total} tenants")];
        if failed > 0 {
            parts.push(format!("{failed} failed"));
        }
        parts.push(whole_seconds(self.began, now));
        parts.extend(self.pace(now).into_iter().flatten());
        parts.extend(self.slow.clone());
        let text = parts.join(", ");
        if self.now.is_empty() {
            return text;
        }
        let named = self.now.iter().take(NAMED);
        let named: Vec<_> =
            named.map(|(slug, at)| format!("{slug} ({})", whole_seconds(*at, now))).collect();
        let named = named.join(", ");
        match self.now.len().saturating_sub(NAMED) {
            0 => format!("{text}: {named}"),
            more => format!("{text}: {named} and {more} more"),
        }
    }

    /// Returns the rate and the time that is left at it; nothing before there is one.
    fn pace(&self, now: Instant) -> Option<[String; 2]> {
        let elapsed = now.saturating_duration_since(self.began);
        let opened = (self.finished + self.to_open).saturating_sub(self.total);
        let left = u32::try_from(self.to_open.saturating_sub(opened)).ok()?;
        let opened = u32::try_from(opened).ok()?;
        if opened == 0 || left == 0 || elapsed < Duration::from_secs(1) {
            return None;
        }
        let rate = f64::from(opened) / elapsed.as_secs_f64();
        let rate = match rate {
            slow if slow < 1.0 => format!("{:.0}/min", slow * 60.0),
            fast => format!("{fast:.1}/s"),
        };
        let rest = Duration::from_secs((elapsed * left / opened).as_secs().max(1));
        let rest = shown(rest).replace(".0 s", " s");
        Some([rate, format!("about {rest} left")])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug(text: &str) -> Slug {
        text.parse().unwrap()
    }

    #[test]
    fn it_counts_from_the_start_and_names_who_is_under_way() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut running = Running::new(52, 50, began);
        assert_eq!(running.text(at(0)), "0 of 52 tenants, 0 s");
        for name in ["aa", "bb", "cc", "dd"] {
            running.started(&slug(name), began);
        }
        assert_eq!(
            running.text(at(3)),
            "0 of 52 tenants, 3 s: aa (3 s), bb (3 s), cc (3 s) and 1 more",
            "before the first result"
        );
        for name in ["xx", "yy", "aa"] {
            running.finished(&slug(name), false);
        }
        running.finished(&slug("cc"), true);
        assert_eq!(
            running.text(at(4)),
            "4 of 52 tenants, 1 failed, 4 s, 30/min, about 1m 36s left: bb (4 s), dd (4 s)",
            "the two that need no connection are no rate"
        );
    }
}
