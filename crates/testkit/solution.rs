//! 只属于答案的测试，五个答案共用：错误的参数；每个典型错误都被共用的测试拒绝。

use std::path::Path;

use assert_cmd::cargo::cargo_bin;

#[test]
fn wrong_arguments() {
    testkit::assert_usage(cargo_bin!());
}

#[test]
fn mistakes_are_rejected() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    testkit::assert_mistakes_are_rejected(env!("CARGO_PKG_NAME"), dir, cargo_bin!());
}
