//! The list of a project's users as Auth's admin API gives it, walked until nobody new turns up.
//!
//! It is given by pages, newest first: while people sign up or are deleted, whoever is on the edge of
//! a page moves to another. So it is walked again until a pass brings nobody new and as many were
//! seen as Auth counts. What bounds it is the deadline, and how often it is walked.

use std::collections::HashSet;

use tokio::time::Instant;

use crate::adapters::auth_admin::{AuthAdmin, AuthAdminError, AuthUser, UserPage};
use crate::model::UserId;

/// How many users a page is asked to hold; fewer once one was too large to be read.
const PAGE: u64 = 1000;

/// How often the list is walked.
const PASSES: u32 = 10;

/// How many pages in a row may bring nobody before the list counts as ended, where it says that more
/// follow.
const VOID: u32 = 3;

/// Nobody has so many users; a list that goes on is none.
const MOST: usize = 5_000_000;

/// The walk, between two pages.
pub(super) struct Roll<'a> {
    admin: &'a AuthAdmin,
    deadline: Instant,
    seen: HashSet<UserId>,
    unreadable: usize,
    total: Option<u64>,
    passes: u32,
    pass: Pass,
}

/// One walk from the first page to the last.
struct Pass {
    number: u64,
    size: u64,
    seen: HashSet<UserId>,
    unreadable: usize,
    /// How many pages in a row brought nobody.
    void: u32,
    is_over: bool,
    has_news: bool,
    /// The smallest number of users that was counted meanwhile.
    least: Option<u64>,
}

/// What came next.
pub(super) enum Next {
    Users(Vec<AuthUser>),
    /// The list was seen whole.
    Whole,
    /// It was not, and asking on is of no use; why.
    Unfinished(String),
}

impl Pass {
    fn new(size: u64) -> Self {
        let (seen, unreadable, void) = (HashSet::new(), 0, 0);
        let (is_over, has_news, least) = (false, false, None);
        Self { number: 1, size, seen, unreadable, void, is_over, has_news, least }
    }

    /// Takes in a page, and sees whether it was the last.
    fn take(&mut self, page: &UserPage) {
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
    fn halve(&mut self) {
        (self.number, self.size) = (2 * self.number - 1, self.size / 2);
    }
}

impl<'a> Roll<'a> {
    pub(super) fn new(admin: &'a AuthAdmin, deadline: Instant) -> Self {
        let (seen, pass) = (HashSet::new(), Pass::new(PAGE));
        Self { admin, deadline, seen, unreadable: 0, total: None, passes: 1, pass }
    }

    /// Returns how many users were seen.
    pub(super) fn seen(&self) -> usize {
        self.seen.len()
    }

    /// Returns whether a user was seen.
    pub(super) fn has_seen(&self, user: UserId) -> bool {
        self.seen.contains(&user)
    }

    /// Returns how many there are by Auth's own count.
    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    pub(super) fn passes(&self) -> u32 {
        self.passes
    }

    /// Notes that somebody turned up who matters, so that the list has to be walked once more.
    pub(super) fn has_news(&mut self) {
        self.pass.has_news = true;
    }

    /// Reads on.
    pub(super) async fn next(&mut self) -> Result<Next, AuthAdminError> {
        if self.pass.is_over {
            if let Some(end) = self.end() {
                return Ok(end);
            }
            self.pass = Pass::new(self.pass.size);
            self.passes += 1;
        }
        let page = loop {
            let asked = self.admin.page(self.pass.number, self.pass.size, self.deadline).await;
            match asked {
                Err(error) if error.is_too_large() && self.pass.size > 1 => self.pass.halve(),
                Err(_) if Instant::now() >= self.deadline => {
                    return Ok(Next::Unfinished("the time for it was over".to_owned()));
                }
                asked => break asked?,
            }
        };
        self.pass.take(&page);
        self.total = page.total.or(self.total);
        self.unreadable = self.unreadable.max(self.pass.unreadable);
        self.seen.extend(page.users.iter().map(|user| user.id));
        if self.seen.len() > MOST {
            return Ok(Next::Unfinished(format!("it goes on after {MOST} users")));
        }
        Ok(Next::Users(page.users))
    }

    /// Returns how the walk ends with this pass; nothing when another has to follow.
    fn end(&self) -> Option<Next> {
        let seen = u64_of(self.seen.len() + self.unreadable);
        let missing = self.pass.least.filter(|least| *least > seen);
        // One page cannot shift while it is read; several can.
        let may_have_shifted = self.passes == 1 && self.pass.number > 2;
        if self.pass.has_news || may_have_shifted || missing.is_some() {
            if self.passes < PASSES {
                return None;
            }
            let passes = self.passes;
            return Some(Next::Unfinished(missing.map_or_else(
                || format!("people of the tenant still turned up when it was read {passes} times"),
                |count| format!("it counts {count} users and showed {seen} in {passes} passes"),
            )));
        }
        Some(match self.unreadable {
            0 => Next::Whole,
            some => Next::Unfinished(format!("{some} of its entries cannot be read as a user")),
        })
    }
}

fn u64_of(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::auth_admin::Claim;

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
