//! The list of a project's users as Auth's admin API gives it, walked until nobody new turns up, and
//! read once for all lockdowns of a command.
//!
//! It is given by pages, newest first: while people sign up or are deleted, whoever is on the edge of
//! a page moves to another. So it is walked again until a pass brings nobody new and as many were
//! seen as Auth counts. What bounds it is the deadline, and how often it is walked.
//!
//! A lockdown joins once its marks are written. It is given only pages that are asked for afterwards,
//! and done only with a pass that began afterwards.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::pass::{Pass, u64_of};
use crate::adapters::auth_admin::{AuthAdmin, AuthAdminError, AuthUser, UserPage};
use crate::model::{Classified, UserId};

/// How often the list is walked for a lockdown.
const PASSES: u32 = 10;

/// Nobody has so many users; a list that goes on is none.
const MOST: usize = 5_000_000;

/// How long the first page waits for lockdowns that are on their way, so that one walk serves all. A
/// tenant that somebody holds up is not waited for longer.
const GATHERING: Duration = Duration::from_secs(1);

/// The list of a command's lockdowns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roll(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    walk: Mutex<Walk>,
    /// Held by whoever asks for the next page.
    asking: tokio::sync::Mutex<()>,
    /// Told when a lockdown joined, or will not.
    arrived: Notify,
}

/// How far the list was read, and what of it is still wanted.
#[derive(Debug, Default)]
struct Walk {
    /// How many lockdowns are on their way.
    coming: usize,
    joined: u64,
    /// Where each lockdown is, as a place in the order of all that was read.
    readers: BTreeMap<u64, usize>,
    /// The place of the first of those that are kept.
    first: usize,
    kept: VecDeque<Read>,
    has_begun: bool,
    /// Seen since a lockdown joined last.
    seen: HashSet<UserId>,
    unreadable: usize,
    total: Option<u64>,
    pass: Pass,
}

/// What was read, in order.
#[derive(Debug, Clone)]
enum Read {
    Page(Arc<Vec<AuthUser>>),
    /// A pass is over.
    End(End),
    /// Asking on was of no use.
    Failed(Unfinished),
}

/// How a pass ended.
#[derive(Debug, Clone, Copy)]
struct End {
    has_several_pages: bool,
    /// How many were seen, and by the smallest number that was counted meanwhile should have been.
    seen: u64,
    least: Option<u64>,
    unreadable: usize,
}

/// Why not everybody was looked at, and what to do.
#[derive(Debug, Clone)]
pub(super) struct Unfinished {
    pub(super) why: String,
    pub(super) remedy: String,
}

impl Unfinished {
    fn because(why: impl Into<String>) -> Self {
        let remedy = "run it again, with a longer --timeout where there are many".to_owned();
        Self { why: why.into(), remedy }
    }

    pub(super) fn of(error: &AuthAdminError) -> Self {
        let unfinished = Self::because(format!("failed to {}", error.chain().join(": ")));
        Self { remedy: error.hint().unwrap_or(unfinished.remedy), ..unfinished }
    }
}

/// What came next.
pub(super) enum Next {
    Users(Arc<Vec<AuthUser>>),
    /// The list was seen whole.
    Whole,
    /// It was not, and asking on is of no use.
    Unfinished(Unfinished),
}

impl Roll {
    /// Announces a lockdown that will join, unless the answer is dropped before.
    pub(crate) fn coming(&self) -> Coming {
        self.walk().coming += 1;
        Coming(self.clone())
    }

    /// Joins, with marks that are written.
    pub(super) fn join(&self) -> Reader {
        let mut walk = self.walk();
        walk.joined += 1;
        let (id, at) = (walk.joined, walk.first + walk.kept.len());
        let _new = walk.readers.insert(id, at);
        walk.seen.clear();
        let is_midway = walk.pass.is_begun;
        drop(walk);
        let passes = u32::from(!is_midway);
        Reader { roll: self.clone(), id, at, passes, is_midway, has_news: false }
    }

    fn walk(&self) -> MutexGuard<'_, Walk> {
        self.0.walk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the lockdowns that are on their way, once and not for long.
    async fn gather(&self) {
        if self.walk().has_begun {
            return;
        }
        let all = async {
            loop {
                let arrived = self.0.arrived.notified();
                if self.walk().coming == 0 {
                    return;
                }
                arrived.await;
            }
        };
        let _late = tokio::time::timeout(GATHERING, all).await;
        self.walk().has_begun = true;
    }

    /// Asks for the next page, and keeps what came.
    async fn ask(&self, admin: &AuthAdmin, deadline: Instant) {
        let page = loop {
            let (number, size) = {
                let mut walk = self.walk();
                walk.pass.is_begun = true;
                (walk.pass.number, walk.pass.size)
            };
            match admin.page(number, size, deadline).await {
                Err(error) if error.is_too_large() && size > 1 => self.walk().pass.halve(),
                answered => break answered,
            }
        };
        let mut walk = self.walk();
        let read = match page {
            Ok(page) => return walk.take(page),
            Err(_) if Instant::now() >= deadline => Unfinished::because("the time for it was over"),
            Err(error) => Unfinished::of(&error),
        };
        walk.kept.push_back(Read::Failed(read));
    }
}

impl Walk {
    fn take(&mut self, page: UserPage) {
        self.pass.take(&page);
        self.total = page.total.or(self.total);
        self.unreadable = self.unreadable.max(self.pass.unreadable);
        self.seen.extend(page.users.iter().map(|user| user.id));
        self.kept.push_back(Read::Page(Arc::new(page.users)));
        if self.seen.len() > MOST {
            let why = format!("it goes on after {MOST} users");
            self.kept.push_back(Read::Failed(Unfinished::because(why)));
        }
        if self.pass.is_over {
            self.kept.push_back(Read::End(End {
                has_several_pages: self.pass.number > 2,
                seen: u64_of(self.seen.len() + self.unreadable),
                least: self.pass.least,
                unreadable: self.unreadable,
            }));
            self.pass = Pass::new(self.pass.size);
        }
    }

    /// Returns what stands at a place, and lets go of what every reader has passed.
    fn read(&mut self, id: u64, at: usize) -> Option<Read> {
        let read = self.kept.get(at.checked_sub(self.first)?)?.clone();
        let _before = self.readers.insert(id, at + 1);
        self.let_go();
        Some(read)
    }

    fn let_go(&mut self) {
        let end = self.first + self.kept.len();
        let slowest = self.readers.values().copied().min().unwrap_or(end);
        while self.first < slowest && self.kept.pop_front().is_some() {
            self.first += 1;
        }
    }
}

/// A lockdown on its way to the list.
#[derive(Debug)]
#[must_use = "nobody waits for it once this is dropped"]
pub(crate) struct Coming(Roll);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.walk().coming -= 1;
        self.0.0.arrived.notify_waiters();
    }
}

/// A lockdown that reads the list.
pub(super) struct Reader {
    roll: Roll,
    id: u64,
    at: usize,
    /// How many passes began since it joined.
    passes: u32,
    /// Whether the pass under way began before.
    is_midway: bool,
    has_news: bool,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut walk = self.roll.walk();
        let _place = walk.readers.remove(&self.id);
        walk.let_go();
    }
}

impl Reader {
    /// Returns how many users were seen.
    pub(super) fn seen(&self) -> usize {
        self.roll.walk().seen.len()
    }

    /// Returns how many there are by Auth's own count.
    pub(super) fn total(&self) -> Option<u64> {
        self.roll.walk().total
    }

    pub(super) fn passes(&self) -> u32 {
        self.passes.max(1)
    }

    /// Notes that somebody turned up who matters, so that the list has to be walked once more.
    pub(super) fn has_news(&mut self) {
        self.has_news = true;
    }

    /// Reads on.
    pub(super) async fn next(&mut self, admin: &AuthAdmin, deadline: Instant) -> Next {
        loop {
            let read = self.roll.walk().read(self.id, self.at);
            let Some(read) = read else {
                let _asking = self.roll.0.asking.lock().await;
                self.roll.gather().await;
                // Another one may have asked meanwhile.
                let is_there = {
                    let walk = self.roll.walk();
                    self.at < walk.first + walk.kept.len()
                };
                if !is_there {
                    self.roll.ask(admin, deadline).await;
                }
                continue;
            };
            self.at += 1;
            match read {
                Read::Page(users) => return Next::Users(users),
                Read::Failed(unfinished) => return Next::Unfinished(unfinished),
                Read::End(end) => {
                    if let Some(next) = self.end(end) {
                        return next;
                    }
                    self.passes += 1;
                    (self.is_midway, self.has_news) = (false, false);
                }
            }
        }
    }

    /// Returns how the walk ends with this pass; nothing when another has to follow.
    fn end(&self, end: End) -> Option<Next> {
        if self.is_midway {
            return None;
        }
        let missing = end.least.filter(|least| *least > end.seen);
        // One page cannot shift while it is read; several can.
        let may_have_shifted = self.passes == 1 && end.has_several_pages;
        if self.has_news || may_have_shifted || missing.is_some() {
            if self.passes < PASSES {
                return None;
            }
            let (passes, seen) = (self.passes, end.seen);
            let why = missing.map_or_else(
                || format!("people of the tenant still turned up when it was read {passes} times"),
                |count| format!("it counts {count} users and showed {seen} in {passes} passes"),
            );
            return Some(Next::Unfinished(Unfinished::because(why)));
        }
        Some(match end.unreadable {
            0 => Next::Whole,
            some => {
                let why = format!("{some} of its entries cannot be read as a user");
                Next::Unfinished(Unfinished::because(why))
            }
        })
    }
}
