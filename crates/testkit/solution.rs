//! 只属于答案的测试，五个答案共用。

use std::path::Path;

use assert_cmd::cargo::cargo_bin;
use testkit::answers::{Answer, assert_usage};

fn answer() -> Answer<'static> {
    let (package, dir) = (env!("CARGO_PKG_NAME"), Path::new(env!("CARGO_MANIFEST_DIR")));
    Answer { package, dir, exe: cargo_bin!() }
}

#[test]
fn wrong_arguments() {
    assert_usage(cargo_bin!());
}

#[test]
#[cfg(unix)]
fn default_addresses() {
    answer().assert_default_addresses();
}

#[test]
fn mistakes_are_rejected() {
    answer().assert_mistakes_are_rejected();
}

#[test]
fn first_stage_is_honest() {
    answer().assert_first_stage_is_honest();
}

#[test]
fn rules_name_their_tests() {
    answer().assert_rules_name_their_tests();
}

#[test]
#[ignore = "很慢：每处改动都运行一遍全部测试（just changes）"]
fn changes_turn_one_test_red() {
    let temp = tempfile::tempdir().unwrap();
    answer().assert_changes_turn_one_test_red(temp.path());
}
