//! What the Management API refuses, classified by status and by the words of its message: it has no
//! error codes (published document, read 2026-11).

use crate::adapters::http::{Answer, HttpError};
use crate::model::{Classified, ErrorKind};

use super::wire;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManagementError {
    #[error("{doing}")]
    NoAnswer {
        /// What the call was for, as it reads after "failed to".
        doing: &'static str,
        #[source]
        source: HttpError,
    },
    #[error("{doing}: the Management API says {status}: {said}")]
    Refused {
        /// What the call was for, as it reads after "failed to".
        doing: &'static str,
        status: u16,
        /// The message, redacted and bounded.
        said: String,
        reason: RefusalReason,
    },
    /// A successful answer that is not what the document says.
    #[error("{doing}: the Management API's answer is not understood: {problem}")]
    Shape {
        /// What the call was for, as it reads after "failed to".
        doing: &'static str,
        /// What is missing or wrong in it.
        problem: String,
    },
}

/// What a refusal means, as far as its words are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    /// The organization has a project of that name.
    NameTaken,
    BadName,
    /// No more projects are allowed.
    Quota,
    /// An invoice is overdue, or the plan does not allow it.
    Billing,
    /// The region takes no more projects.
    Region,
    /// The project is still coming up; it can be deleted later.
    NotReady,
    /// The project existed and was removed.
    Removed,
    /// The API itself knows no such thing. A page with the same status is a proxy's word.
    Unknown,
    Paused,
    Other,
}

impl RefusalReason {
    fn of(status: u16, words: &str) -> Self {
        let words = words.to_lowercase();
        let says = |text: &str| words.contains(text);
        if says("resource has been removed") {
            Self::Removed
        } else if says("not ready for deletion") {
            Self::NotReady
        } else if says("already exists") || says("name already in use") {
            Self::NameTaken
        } else if says("name should not contain") {
            Self::BadName
        } else if says("project limit") || says("maximum limit") {
            Self::Quota
        } else if status == 402 || says("overdue invoice") || says("billing") {
            Self::Billing
        } else if says("capacity") || (says("region") && says("not available")) {
            Self::Region
        } else if status == 540 {
            Self::Paused
        } else {
            Self::Other
        }
    }
}

impl ManagementError {
    /// Reads a refusal, also one of a gateway, which is plain text or a page.
    pub(super) fn refused(doing: &'static str, answer: &Answer) -> Self {
        let status = answer.status.as_u16();
        let (said, is_of_api) = match answer.json::<Option<wire::Refusal>>() {
            Ok(Some(refusal)) => (refusal.words(), refusal.is_of_api()),
            _ => (answer.text(), false),
        };
        let said = if said.is_empty() {
            answer.status.canonical_reason().unwrap_or("nothing").to_owned()
        } else {
            said
        };
        let reason = match RefusalReason::of(status, &said) {
            // The words of a page may quote anything.
            RefusalReason::Removed if !is_of_api => RefusalReason::Other,
            RefusalReason::Other if status == 404 && is_of_api => RefusalReason::Unknown,
            reason => reason,
        };
        Self::Refused { doing, status, said, reason }
    }

    /// Returns whether the API may have done what was asked for in spite of this error.
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::NoAnswer { source, .. } => source.may_have_acted(),
            Self::Refused { status, .. } => *status >= 500 || matches!(status, 408 | 409),
            Self::Shape { .. } => true,
        }
    }

    pub fn reason(&self) -> RefusalReason {
        match self {
            Self::Refused { reason, .. } => *reason,
            _ => RefusalReason::Other,
        }
    }

    /// Returns whether the API itself says that there is no such project, or that it was removed.
    pub fn is_gone(&self) -> bool {
        matches!(self.reason(), RefusalReason::Removed | RefusalReason::Unknown)
    }
}

impl Classified for ManagementError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoAnswer { source, .. } => source.kind(),
            Self::Shape { .. } => ErrorKind::Internal,
            Self::Refused { status, reason, .. } => match (status, reason) {
                (_, RefusalReason::Removed | RefusalReason::Unknown) => ErrorKind::NotFound,
                (_, RefusalReason::NameTaken) | (409, _) => ErrorKind::Conflict,
                (401 | 403, RefusalReason::Other) => ErrorKind::Denied,
                // A 404 in other words than the API's is from something before it.
                (_, RefusalReason::NotReady) | (404 | 408 | 429 | 500.., RefusalReason::Other) => {
                    ErrorKind::Unavailable
                }
                _ => ErrorKind::Refused,
            },
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoAnswer { source, .. } => return source.hint(),
            Self::Shape { .. } => return None,
            Self::Refused { status, reason, .. } => match (reason, status) {
                (RefusalReason::Quota, _) => {
                    "delete or pause a project, or move the organization to a paid plan; a deleted \
                     project frees its place late"
                }
                (RefusalReason::Billing, _) => "settle the organization's billing in the dashboard",
                (RefusalReason::Region, _) => {
                    "choose another region with --region or TENANTCTL_REGION"
                }
                (RefusalReason::Paused, _) => "the project is paused: restore it in the dashboard",
                (RefusalReason::Other, 404) => {
                    "these are not the API's own words: look at TENANTCTL_MANAGEMENT_API_URL, and at \
                     the proxies in front of it"
                }
                (_, 401) => {
                    "set SUPABASE_ACCESS_TOKEN or SUPABASE_ACCESS_TOKEN_FILE to a valid token"
                }
                (_, 403) => "use a token that may do this for this organization and project",
                (_, 429) => "wait a minute, or pass a longer --timeout",
                _ => return None,
            },
        };
        Some(hint.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;

    fn refusal(status: u16, body: &str) -> ManagementError {
        let status = StatusCode::from_u16(status).unwrap();
        let body = body.as_bytes().to_vec();
        ManagementError::refused("do it", &Answer { status, headers: HeaderMap::new(), body })
    }

    #[test]
    fn refusals_are_classified_by_status_and_words() {
        let limit = r#"{"message":"The following organization members have reached their maximum limits for the number of active free projects within organizations where they are an administrator or owner: me (2 project limit)."}"#;
        for (status, body, reason, kind) in [
            (
                400,
                r#"{"message":"Resource has been removed"}"#,
                RefusalReason::Removed,
                ErrorKind::NotFound,
            ),
            (
                404,
                r#"{"message":"Project not found"}"#,
                RefusalReason::Unknown,
                ErrorKind::NotFound,
            ),
            (404, "<h1>404</h1>", RefusalReason::Other, ErrorKind::Unavailable),
            (404, r#"{"detail":"no route"}"#, RefusalReason::Other, ErrorKind::Unavailable),
            (404, r#"{"message":{"a":1}}"#, RefusalReason::Other, ErrorKind::Unavailable),
            (
                404,
                r#"{"message":"Cannot GET /v1/projects/x","error":"Not Found","statusCode":404}"#,
                RefusalReason::Other,
                ErrorKind::Unavailable,
            ),
            (400, "Resource has been removed", RefusalReason::Other, ErrorKind::Refused),
            (
                400,
                r#"{"message":"Project not ready for deletion."}"#,
                RefusalReason::NotReady,
                ErrorKind::Unavailable,
            ),
            (400, limit, RefusalReason::Quota, ErrorKind::Refused),
            (403, limit, RefusalReason::Quota, ErrorKind::Refused),
            (402, "{}", RefusalReason::Billing, ErrorKind::Refused),
            (
                409,
                r#"{"message":"Project acme already exists in your organization."}"#,
                RefusalReason::NameTaken,
                ErrorKind::Conflict,
            ),
            (401, r#"{"message":"Unauthorized"}"#, RefusalReason::Other, ErrorKind::Denied),
            (403, r#"{"message":"Forbidden resource"}"#, RefusalReason::Other, ErrorKind::Denied),
            (502, "error code: 502", RefusalReason::Other, ErrorKind::Unavailable),
            (544, "", RefusalReason::Other, ErrorKind::Unavailable),
            (540, "", RefusalReason::Paused, ErrorKind::Refused),
            (422, r#"{"message":["name: too long"]}"#, RefusalReason::Other, ErrorKind::Refused),
        ] {
            let error = refusal(status, body);
            assert_eq!((error.reason(), error.kind()), (reason, kind), "{status} {body}");
        }
        assert!(refusal(502, "").may_have_acted() && refusal(409, "").may_have_acted());
        assert!(!refusal(400, "").may_have_acted() && !refusal(429, "").may_have_acted());
    }

    #[test]
    fn a_password_in_a_refusal_is_not_repeated() {
        let body = r#"{"message":"Failed to create login role: ERROR:  42501: permission denied\nalter role \"cli_login_postgres\" password 'hunter2'"}"#;
        let text = refusal(400, body).to_string();
        assert!(text.contains("42501") && !text.contains("hunter2"), "{text}");
        let text = refusal(500, "<h1>sbp_0123456789abcdef</h1>").to_string();
        assert!(!text.contains("0123456789"), "{text}");
    }
}
