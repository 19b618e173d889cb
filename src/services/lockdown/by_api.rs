//! The layer of Supabase Auth by its admin API: bans and no more, and gives them back.
//!
//! Nothing is refreshed from then on; access tokens that are out live until they expire.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use super::event::{Counted, LockdownEvent};
use super::layer::{LayerError, LayerVerdict, Worked, failed};
use super::layers::{Cut, Turn, UNLOCKED};
use super::roll::{Next, Reader, Unfinished};
use crate::adapters::auth_admin::{AuthAdmin, AuthAdminError, AuthUser, BAN, Claim};
use crate::adapters::control_plane::{self, BannedBy};
use crate::model::{Ban, TenantId, UserId};

/// A ban that ends later than this from now is a lockdown's.
const LOCKDOWN_BAN: Duration = Duration::from_hours(99 * 365 * 24);

/// How many users are asked about at the same time.
const AT_ONCE: usize = 8;

/// After how many lifted bans it is said how far it is.
const TELLING: usize = 25 * AT_ONCE;

/// A walk over Auth's users, and what it came to so far.
struct Hunt<'a> {
    admin: &'a AuthAdmin,
    deadline: Instant,
    tenant: TenantId,
    /// Of whom a membership or a session in the tenant is recorded.
    recorded: HashSet<UserId>,
    now: OffsetDateTime,
    /// Those of them who stood on a page.
    met: HashSet<UserId>,
    /// Whom it banned, or found banned by a lockdown, or is about to ban.
    taken: HashSet<UserId>,
    /// How many of them Auth said are banned.
    banned: usize,
    /// Recorded here, and Auth does not know them.
    unknown: HashSet<UserId>,
    /// Recorded here, and by Auth's claim they work in another tenant.
    elsewhere: HashSet<UserId>,
}

/// How a walk ended.
enum Ended {
    Whole,
    Unfinished(Unfinished),
    /// Another command unlocks the tenant: nobody would lift what is banned from here on.
    Overtaken,
}

impl Hunt<'_> {
    /// Returns which of some users have to be banned, and which are by a lockdown, each once.
    ///
    /// Auth's word decides, its claim; without one, that they are recorded. Whoever works in another
    /// tenant is left alone.
    fn sort_out(&mut self, users: &[AuthUser]) -> (Vec<Ban>, Vec<UserId>) {
        let (mut free, mut banned) = (Vec::new(), Vec::new());
        for user in users {
            let is_recorded = self.recorded.contains(&user.id);
            if is_recorded {
                self.met.insert(user.id);
            }
            let belongs = match user.claim {
                Claim::Tenant(tenant) => tenant == self.tenant,
                Claim::None => is_recorded,
                Claim::Unreadable => false,
            };
            if !belongs && is_recorded {
                self.elsewhere.insert(user.id);
            }
            if !belongs || !self.taken.insert(user.id) {
                continue;
            }
            self.elsewhere.remove(&user.id);
            if self.is_by_lockdown(user) {
                self.banned += 1;
                banned.push(user.id);
            } else {
                let until_before = user.banned_until.and_then(|at| at.format(&Rfc3339).ok());
                free.push(Ban { user: user.id, until_before });
            }
        }
        (free, banned)
    }

    fn is_by_lockdown(&self, user: &AuthUser) -> bool {
        user.banned_until.is_some_and(|until| until > self.now + LOCKDOWN_BAN)
    }

    /// Sends bans, so many at once.
    async fn send(&mut self, bans: &[Ban]) -> Result<(), LayerError> {
        for some in bans.chunks(AT_ONCE) {
            let acts = some.iter().map(|ban| self.admin.ban(ban.user, Some(BAN), self.deadline));
            let answers = join_all(acts).await;
            for (ban, answer) in some.iter().zip(answers) {
                match answer? {
                    Some(user) if self.is_by_lockdown(&user) => self.banned += 1,
                    Some(_) => return Err(LayerError::Auth("see a ban that Auth had accepted")),
                    // Deleted meanwhile.
                    None => drop(self.unknown.insert(ban.user)),
                }
            }
        }
        Ok(())
    }
}

impl Cut<'_> {
    /// Bans everybody whom Auth or a record here puts into the tenant. What each was before is kept
    /// before the ban is sent, so nothing that was done is forgotten.
    pub(super) async fn ban_by_api(&self, admin: &AuthAdmin, deadline: Instant) -> Worked {
        let (recorded, now) = {
            let mut session = self.world.plane.session().await?;
            let recorded = control_plane::members(&mut session, self.tenant.id).await?;
            (recorded, control_plane::now(&mut session).await?)
        };
        let mut hunt = Hunt {
            admin,
            deadline,
            tenant: self.tenant.id,
            recorded: recorded.into_iter().collect(),
            now,
            met: HashSet::new(),
            taken: HashSet::new(),
            banned: 0,
            unknown: HashSet::new(),
            elsewhere: HashSet::new(),
        };
        // What is left of the time is for those who are recorded here and on no page.
        let left = deadline.saturating_duration_since(Instant::now());
        // The marks are written: what is read from here on shows whoever could still sign in before.
        let mut roll = self.request.roll.join();
        drop(self.notes.coming.take());
        let mut ended = self.walk(&mut hunt, &mut roll, deadline - left / 4).await?;
        if !matches!(ended, Ended::Overtaken) {
            match self.look_up_rest(&mut hunt).await {
                Ok(true) => {}
                Ok(false) => ended = Ended::Overtaken,
                Err(LayerError::AuthAdmin(error)) => {
                    if matches!(ended, Ended::Whole) {
                        ended = Ended::Unfinished(Unfinished::of(&error));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        // Lifted before it was sent, a ban would stay.
        if matches!(ended, Ended::Overtaken) || self.overtaken(Turn::Cut).await?.is_some() {
            self.unban_by_api(deadline).await?;
            return Ok(failed(UNLOCKED));
        }
        Ok(said(&hunt, &roll, ended))
    }

    /// Walks over Auth's list, and bans as it goes. A refusal ends the walk: the client tried again as
    /// often as that is of use, and from the list's beginning it would be of less.
    async fn walk(
        &self,
        hunt: &mut Hunt<'_>,
        roll: &mut Reader,
        deadline: Instant,
    ) -> Result<Ended, LayerError> {
        loop {
            let users = match roll.next(hunt.admin, deadline).await {
                Next::Users(users) => users,
                Next::Whole => return Ok(Ended::Whole),
                Next::Unfinished(unfinished) => return Ok(Ended::Unfinished(unfinished)),
            };
            let known = hunt.taken.len();
            match self.ban_some(hunt, &users).await {
                Ok(true) => {}
                Ok(false) => return Ok(Ended::Overtaken),
                Err(LayerError::AuthAdmin(error)) => {
                    return Ok(Ended::Unfinished(Unfinished::of(&error)));
                }
                Err(error) => return Err(error),
            }
            if hunt.taken.len() > known {
                roll.has_news();
            }
            (self.on_event)(LockdownEvent::Users(Counted {
                seen: roll.seen(),
                of: roll.total(),
                banned: hunt.banned,
                passes: roll.passes(),
            }));
        }
    }

    /// Looks up who is recorded here and stood on no page; false when the lockdown is being lifted.
    async fn look_up_rest(&self, hunt: &mut Hunt<'_>) -> Result<bool, LayerError> {
        let rest: Vec<_> = hunt.recorded.difference(&hunt.met).copied().collect();
        for some in rest.chunks(AT_ONCE) {
            let looks = some.iter().map(|user| hunt.admin.find(*user, hunt.deadline));
            let looks = join_all(looks).await;
            let found = looks.into_iter().collect::<Result<Vec<_>, AuthAdminError>>()?;
            let gone = some.iter().zip(&found).filter(|(_, found)| found.is_none());
            hunt.unknown.extend(gone.map(|(user, _)| *user));
            let found: Vec<_> = found.into_iter().flatten().collect();
            if !self.ban_some(hunt, &found).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Bans those of some users who belong to the tenant; false when the lockdown is being lifted.
    async fn ban_some(&self, hunt: &mut Hunt<'_>, users: &[AuthUser]) -> Result<bool, LayerError> {
        let (free, banned) = hunt.sort_out(users);
        let (by, id) = (BannedBy::AdminApi, self.lockdown.id);
        // Kept before it is sent: a ban that is forgotten is never lifted, one that is kept and was
        // not sent is lifted without effect.
        {
            let mut session = self.world.plane.session().await?;
            if !banned.is_empty() {
                control_plane::share_bans(&mut session, id, by, &banned).await?;
            }
            if !free.is_empty() && !control_plane::keep_banned(&mut session, id, by, &free).await? {
                return Ok(false);
            }
        }
        hunt.send(&free).await?;
        Ok(true)
    }

    /// Gives the bans back that this lockdown set; returns how many, and how many others are left to
    /// the lockdown of another tenant.
    pub(super) async fn unban_by_api(&self, deadline: Instant) -> Result<(i64, i64), LayerError> {
        let Some(admin) = &self.request.auth_admin else {
            let problem = "lift the bans without TENANTCTL_AUTH_URL and TENANTCTL_AUTH_SERVICE_KEY";
            return Err(LayerError::Auth(problem));
        };
        let (bans, kept, now) = {
            let mut session = self.world.plane.session().await?;
            let (bans, kept) =
                control_plane::hand_bans_over(&mut session, self.lockdown.id).await?;
            (bans, kept, control_plane::now(&mut session).await?)
        };
        let (mut lifted, mut done) = (0, 0);
        for some in bans.chunks(AT_ONCE) {
            let acts = some.iter().map(|ban| give_back(admin, ban, now, deadline));
            for given in join_all(acts).await {
                lifted += i64::from(given?);
            }
            done += some.len();
            if done % TELLING == 0 || done == bans.len() {
                (self.on_event)(LockdownEvent::Lifting { done, of: bans.len() });
            }
        }
        Ok((lifted, kept))
    }
}

/// Returns what a walk came to, in words.
fn said(hunt: &Hunt<'_>, roll: &Reader, ended: Ended) -> (LayerVerdict, String) {
    let (seen, banned) = (roll.seen(), hunt.banned);
    let some = |users: &HashSet<UserId>, said: &str| match users.len() {
        0 => String::new(),
        some => format!(", {some} {said}"),
    };
    let beside = some(&hunt.unknown, "recorded here and unknown there")
        + &some(&hunt.elsewhere, "left alone who work in another tenant");
    if let Ended::Unfinished(Unfinished { why, remedy }) = ended {
        let of = roll.total().map_or(String::new(), |total| format!(" of {total}"));
        let far = format!("{seen}{of} users looked at, {banned} banned");
        return failed(&format!("{why}; {far}{beside}: {remedy}"));
    }
    if banned == 0 {
        let detail = format!("none of the {seen} users there belongs to the tenant{beside}");
        return (LayerVerdict::Unchanged, detail);
    }
    let detail = format!(
        "{banned} of {seen} users banned through Auth's admin API{beside}; nothing is refreshed, but \
         it ends no session: access tokens that are out live until they expire"
    );
    (LayerVerdict::Done, detail)
}

/// Gives a user back the ban they had before; false when ours is not there any more.
async fn give_back(
    admin: &AuthAdmin,
    ban: &Ban,
    now: OffsetDateTime,
    deadline: Instant,
) -> Result<bool, LayerError> {
    let found = admin.find(ban.user, deadline).await?.and_then(|user| user.banned_until);
    if found.is_none_or(|until| until <= now + LOCKDOWN_BAN) {
        return Ok(false);
    }
    let before = ban.until_before.as_deref();
    let before = before.and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    let left = before.and_then(|until| Duration::try_from(until - now).ok());
    admin.ban(ban.user, left.filter(|left| !left.is_zero()), deadline).await?;
    Ok(true)
}
