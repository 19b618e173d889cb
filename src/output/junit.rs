//! `JUnit` XML, which every CI system reads: a test case for each tenant.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::cases::{Case, CaseEnd, CaseFailure, Cases};
use super::line::harmless;

/// Returns the document.
pub(crate) fn junit(cases: &Cases) -> String {
    let name = format!("tenantctl {}", cases.command);
    let mut suite = TestSuite::new(name.as_str());
    suite.set_time(cases.elapsed);
    let class = name.replace(' ', ".");
    suite.add_test_cases(cases.all.iter().map(|case| test_case(&class, case)));
    let mut report = Report::new(name);
    report.set_time(cases.elapsed);
    report.add_test_suite(suite);
    // Writing to memory cannot fail.
    report.to_string().unwrap_or_default()
}

fn test_case(class: &str, case: &Case) -> TestCase {
    let status = match &case.end {
        CaseEnd::Passed(_) => TestCaseStatus::success(),
        CaseEnd::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(harmless(reason));
            status
        }
        CaseEnd::Failed(failure) => not_passed(NonSuccessKind::Failure, failure),
        CaseEnd::NotRun(failure) => not_passed(NonSuccessKind::Error, failure),
    };
    let mut test_case = TestCase::new(harmless(&case.name), status);
    test_case.set_classname(class);
    test_case.set_time(case.took);
    if let CaseEnd::Passed(detail) = &case.end {
        let detail = harmless(detail);
        let said = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        test_case.set_system_out(format!("{}{said}", case.outcome));
    }
    test_case
}

fn not_passed(kind: NonSuccessKind, failure: &CaseFailure) -> TestCaseStatus {
    let said = failure.said.iter().flat_map(|text| text.lines()).map(harmless);
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(failure.kind);
    status.set_message(harmless(&failure.common));
    status.set_description(said.collect::<Vec<_>>().join("\n"));
    status
}
