//! One walk over Auth's list of users, page by page: where it is, and whether it is over.

use std::collections::HashSet;

use crate::adapters::auth_admin::UserPage;
use crate::model::UserId;

/// How many users a page is asked to hold; fewer once one was too large to be read.
const PAGE: u64 = 1000;

/// How many pages in a row may bring nobody before the list counts as ended, where it says that more
/// follow.
const VOID: u32 = 3;

/// One walk from the first page to the last.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) number: u64,
    pub(super) size: u64,
    /// Whether its first page was asked for.
    pub(super) is_begun: bool,
    seen: HashSet<UserId>,
    pub(super) unreadable: usize,
    /// How many pages in a row brought nobody.
    void: u32,
    pub(super) is_over: bool,
    /// The smallest number of users that was counted meanwhile.
    pub(super) least: Option<u64>,
}

impl Default for Pass {
    fn default() -> Self {
        Self::new(PAGE)
    }
}

impl Pass {
    pub(super) fn new(size: u64) -> Self {
        let (seen, unreadable, void) = (HashSet::new(), 0, 0);
        let (is_begun, is_over, least) = (false, false, None);
        Self { number: 1, size, is_begun, seen, unreadable, void, is_over, least }
    }

    /// Takes in a page, and sees whether it was the last.
    pub(super) fn take(&mut self, page: &UserPage) {
        let before = self.seen.len();
        self.seen.extend(page.users.iter().map(|user| user.id));
        self.unreadable += page.unreadable;
        self.least = match (self.least, page.total) {
            (Some(least), Some(total)) => Some(least.min(total)),
            (least, total) => least.or(total),
        };
        let is_void = self.seen.len() == before;
        self.void = if is_void { self.void + 1 } else { 0 };
        let counted = page.total.map(|total| u64_of(self.seen.len() + self.unreadable) < total);
        // Either may lie, so each alone is reason enough to look further. Without both, an empty page
        // may still stand in the middle.
        let follows = match (page.has_next, counted) {
            (None, None) => self.void < 2,
            (next, counted) => next == Some(true) || counted == Some(true),
        };
        self.is_over = !follows || self.void >= VOID;
        self.number += 1;
    }

    /// Goes on at the same place with pages half as long.
    pub(super) fn halve(&mut self) {
        (self.number, self.size) = (2 * self.number - 1, self.size / 2);
    }
}

pub(super) fn u64_of(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::auth_admin::{AuthUser, Claim};

    fn page(users: std::ops::Range<u128>, total: Option<u64>, next: Option<bool>) -> UserPage {
        let user = |id| AuthUser {
            id: UserId(uuid::Uuid::from_u128(id)),
            claim: Claim::None,
            banned_until: None,
        };
        UserPage { users: users.map(user).collect(), unreadable: 0, total, has_next: next }
    }

    /// Takes pages in until the pass is over; returns how many it took.
    fn taken(pages: impl IntoIterator<Item = UserPage>) -> usize {
        let mut pass = Pass::new(10);
        pages
            .into_iter()
            .take_while(|page| {
                let goes_on = !pass.is_over;
                if goes_on {
                    pass.take(page);
                }
                goes_on
            })
            .count()
    }

    #[test]
    fn a_pass_ends_where_nothing_says_that_more_follows() {
        let p = page;
        assert_eq!(taken([p(0..10, Some(13), Some(true)), p(10..13, Some(13), Some(false))]), 2);
        assert_eq!(taken([p(0..0, Some(0), Some(false)), p(0..0, Some(0), None)]), 1, "nobody");
        // A link that lies, and a count that lies: the other one leads on.
        assert_eq!(taken([p(0..10, Some(13), Some(false)), p(10..13, Some(13), None)]), 2);
        assert_eq!(taken([p(0..10, Some(1), Some(true)), p(10..13, Some(1), Some(false))]), 2);
        // An empty page in the middle ends it neither with a count nor without.
        let middle = [p(0..10, Some(20), None), p(0..0, Some(20), None), p(10..20, Some(20), None)];
        assert_eq!(taken(middle), 3);
        let bare = [p(0..10, None, None), p(0..0, None, None), p(10..20, None, None)];
        assert_eq!(taken(bare), 3);
    }

    #[test]
    fn a_pass_that_brings_nobody_any_more_ends_whatever_it_says() {
        let same = || page(0..10, Some(1_000_000), Some(true));
        assert_eq!(taken(std::iter::repeat_with(same).take(99)), 1 + 3, "the same page for ever");
        let nobody = || page(0..0, Some(1_000_000), Some(true));
        assert_eq!(taken(std::iter::repeat_with(nobody).take(99)), 3);
        let bare = || page(0..0, None, None);
        assert_eq!(taken(std::iter::repeat_with(bare).take(99)), 2);
    }

    #[test]
    fn half_the_page_goes_on_at_the_same_user() {
        let mut pass = Pass::new(1000);
        for expected in [(1, 500), (1, 250)] {
            pass.halve();
            assert_eq!((pass.number, pass.size), expected);
        }
        pass.number = 3;
        pass.halve();
        assert_eq!((pass.number - 1) * pass.size, 2 * 250);
    }
}
