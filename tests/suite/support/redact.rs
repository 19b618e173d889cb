//! What differs from run to run, replaced by something of the same width, so that columns stay
//! honest in a snapshot.

/// Runs `snapshots` with ids, instants, durations and the server's directory replaced.
pub(crate) fn redacted(snapshots: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    let hex = "[0-9a-f]";
    settings.add_filter(
        &format!("{hex}{{8}}-{hex}{{4}}-{hex}{{4}}-{hex}{{4}}-{hex}{{12}}"),
        "11111111-2222-3333-4444-555555555555",
    );
    settings.add_filter(&format!(r"\btenant_([a-z0-9_]+)_{hex}{{8}}\b"), "tenant_${1}_00000000");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "2000-01-01T00:00:00Z");
    settings.add_filter(r"\b2\d{3}-\d\d-\d\d\b", "2000-01-01");
    // A right-aligned column of seven, as progress lines and tables have it, then any other.
    settings.add_filter(r"([ \d.]{4} ms|[ \d.]{5} s)  ", "   0 ms  ");
    settings.add_filter(r"\b\d+(\.\d+)? m?s\b", "0 ms");
    settings.add_filter(r#"("elapsed_ms": )\d+"#, "${1}0");
    settings.add_filter(r"/[A-Za-z0-9/_.-]*/tctl-[0-9a-f]{8}/socket", "/tmp/tctl-00000000/socket");
    settings.add_filter(&format!(r"\bcp_{hex}{{12}}\b"), "cp_000000000000");
    settings.add_filter(&format!("\\({hex}{{8,64}}\\)"), "(0000000000000000)");
    settings.bind(snapshots);
}
