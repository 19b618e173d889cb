//! The public certificate authorities that sqlx trusts by itself: none.
//!
//! sqlx adds them to those of `sslrootcert`, and cannot be told not to (sqlx-core 0.9
//! `src/net/tls/tls_rustls.rs`, read 2026-11). libpq trusts the file alone, and so must we: with
//! `verify-ca`, which compares no host names, anyone with a certificate of a public authority could
//! stand between us and a server whose operator named a private one. Where the public authorities
//! are wanted, `adapters::postgres::tls` hands them over itself.
#![no_std]

use rustls_pki_types::TrustAnchor;

/// No authority at all.
pub const TLS_SERVER_ROOTS: &[TrustAnchor<'static>] = &[];
