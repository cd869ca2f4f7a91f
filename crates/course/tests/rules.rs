//! 一件事只写在一处：README 的规则就是测试中的那句话，骨架、两关的答案只差该差的内容。

mod common;

use std::fs;

use common::{exercises, files, is_stub, report, root, text};
use course::cargo::literal;
use course::exercise::test_names;
use testkit::common::RULES;

/// 一个练习的第二关最多的规则数。
const MAX_RULES: usize = 13;

/// `README.md` 中标题 `title` 之下的内容。
fn section<'a>(readme: &'a str, title: &str) -> &'a str {
    let (_, rest) = readme.split_once(&format!("\n{title}\n")).unwrap_or_default();
    rest.split("\n## ").next().unwrap()
}

/// 一条规则：`3. 一句话。` 和反引号中的测试的名字；不是一条规则时返回 `None`。
fn rule(line: &str) -> Option<(&str, &str)> {
    let (number, rest) = line.split_once(". ")?;
    number.parse::<u32>().ok()?;
    Some(rest.strip_suffix('`').and_then(|rest| rest.rsplit_once('`')).unwrap_or((rest, "")))
}

/// 测试文件 `source` 的测试 `test` 检查的规则：其中 `rule(` 之后的字符串，或者共有的规则的那一句话。
fn sentence(source: &str, test: &str) -> String {
    let (_, body) = source.split_once(&format!("fn {test}() {{")).unwrap_or_default();
    let body = body.split("\n}").next().unwrap();
    let shared = |(name, _): &&(&str, &str)| body.contains(&format!("common::{name}("));
    match RULES.iter().find(shared) {
        Some((_, sentence)) => sentence.to_string(),
        None => {
            let mut calls = body.split("rule(").skip(1).map(str::trim_start);
            literal(calls.find_map(|call| call.strip_prefix('"')).unwrap_or_default())
        }
    }
}

/// 测试的名字 `test` 中有数：数会改；`utf8`、`ipv6` 不是数。
fn has_number(test: &str) -> bool {
    test.split('_').any(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

#[test]
fn rules_are_the_sentences_of_their_tests() {
    let mut problems = Vec::new();
    for name in exercises() {
        let robust = text(&format!("exercises/{name}/tests/robust.rs"));
        let readme = text(&format!("exercises/{name}/README.md"));
        let rules: Vec<_> = section(&readme, "## 第二关").lines().filter_map(rule).collect();
        let tests = test_names(&robust);
        if rules.len() > MAX_RULES {
            problems.push(format!("{name}：第二关有 {} 条规则，最多 {MAX_RULES} 条", rules.len()));
        }
        for (said, test) in &rules {
            let (said, expected) = (said.trim(), sentence(&robust, test));
            if !tests.iter().any(|known| known == test) {
                problems
                    .push(format!("{name}：规则没有以 robust 的测试的名字结尾：{said}`{test}`"));
            } else if said != expected {
                problems.push(format!(
                    "{name} 的 {test}：README 与测试中的规则不同\n  README：{said}\n  测试：  {expected}"
                ));
            }
        }
        for test in tests {
            let count = rules.iter().filter(|(_, named)| *named == test).count();
            if count != 1 {
                problems
                    .push(format!("{name}：{test} 应当是 README 的一条规则，实际是 {count} 条"));
            }
            if has_number(&test) {
                problems.push(format!("{name}：测试的名字中不要有数：{test}"));
            }
            let shared = RULES.iter().find(|(shared, _)| *shared == test);
            if shared.is_some_and(|(_, shared)| sentence(&robust, &test) != *shared) {
                problems.push(format!("{name}：共有的规则 {test} 没有用 testkit::common 的检查"));
            }
        }
    }
    report(problems);
}

#[test]
fn steps_name_the_tests_of_the_first_stage() {
    let mut problems = Vec::new();
    for name in exercises() {
        let readme = text(&format!("exercises/{name}/README.md"));
        let code = section(&readme, "## 第一关").split('`').skip(1).step_by(2);
        let words: Vec<&str> = code.flat_map(str::split_whitespace).collect();
        for test in test_names(&text(&format!("exercises/{name}/tests/basic.rs"))) {
            if !words.contains(&test.as_str()) {
                problems.push(format!("{name}：README 的“第一关”没有提到 basic 的测试 {test}"));
            }
            if has_number(&test) {
                problems.push(format!("{name}：测试的名字中不要有数：{test}"));
            }
        }
    }
    report(problems);
}

#[test]
fn given_files_are_the_same() {
    let mut problems = Vec::new();
    for name in exercises().iter().filter(|name| is_stub(name)) {
        let exercise = format!("exercises/{name}");
        for answer in [format!("solutions/{name}"), format!("solutions/{name}/robust")] {
            let sources = [&exercise, &answer].map(|dir| {
                let files = files(&format!("{dir}/src"), "rs").into_iter();
                files.map(|file| file.file_name().unwrap().to_owned()).collect::<Vec<_>>()
            });
            if sources[0] != sources[1] {
                problems.push(format!("{exercise}/src 和 {answer}/src 中的文件不同：{sources:?}"));
            }
            for file in ["src/main.rs", "dict.txt", "photo.jpg", "image.jpg"] {
                let [given, copy] =
                    [&exercise, &answer].map(|dir| fs::read(root().join(dir).join(file)));
                if copy.is_ok() && given.ok() != copy.ok() {
                    problems.push(format!("{exercise}/{file} 是给出的，{answer}/{file} 与它不同"));
                }
            }
        }
    }
    report(problems);
}

#[test]
fn dictionaries_have_no_byte_order_mark() {
    for name in exercises() {
        let dict = fs::read(root().join(format!("exercises/{name}/dict.txt"))).unwrap_or_default();
        assert!(
            !dict.starts_with(b"\xef\xbb\xbf"),
            "exercises/{name}/dict.txt 的开头有 BOM（有的编辑器保存时加上的三个字节），\
             第一个单词会查不到：请另存为不带 BOM 的 UTF-8"
        );
    }
}

#[test]
fn first_answers_only_fill_in_the_stubs() {
    let mut problems = Vec::new();
    for name in exercises().iter().filter(|name| is_stub(name)) {
        for stub in files(&format!("exercises/{name}/src"), "rs") {
            let file = stub.file_name().unwrap().to_string_lossy();
            let answer = text(&format!("solutions/{name}/src/{file}"));
            let mut rest = answer.lines();
            for line in text(&format!("exercises/{name}/src/{file}")).lines() {
                let code = line.trim_start();
                let step = code
                    .strip_prefix("// ")
                    .is_some_and(|c| c.starts_with(|c: char| c.is_ascii_digit()));
                let replaced = step || code.starts_with("todo!(") || code.starts_with("use ");
                if !replaced && !rest.any(|kept| kept == line) {
                    problems.push(format!(
                        "solutions/{name}/src/{file} 中没有了骨架的这一行（只有步骤、todo! 和 use 可以替换）：{line}"
                    ));
                    break;
                }
            }
        }
    }
    report(problems);
}
