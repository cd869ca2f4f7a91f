//! 文档说的是真的：链接、命令和文件存在，代码摘录与源文件一致，终端里的对话能够重演。
//!
//! 约定：摘录的代码块之前是指向源文件的链接；一段对话的每个终端是一个 console 代码块，之前是“终端 1：”。

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{DEADLINE, build, exercises, files, no_cargo, report, root, side_by_side, text};
use course::cargo::Built;
use course::exercise::{self, STAGES, members};
use testkit::{Program, rule};

/// 各个文档，即 `docs/SUMMARY.md` 列出的：所在的目录、文件名和内容。学生自己的笔记不检查。
fn documents() -> Vec<(String, String, String)> {
    let summary = text("docs/SUMMARY.md");
    let documents = between(&summary, "](", ")").map(|target| {
        let path = target.strip_prefix("../").map_or(format!("docs/{target}"), String::from);
        let (dir, file) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
        (dir.to_string(), file.to_string(), text(&path))
    });
    documents.collect()
}

/// 一个代码块：之前最近的一行文字、语言和内容。
struct Block<'a> {
    before: &'a str,
    language: &'a str,
    lines: Vec<&'a str>,
}

/// 把文档分为正文和代码块。
fn parse(text: &str) -> (String, Vec<Block<'_>>) {
    let (mut prose, mut blocks, mut before) = (String::new(), Vec::new(), "");
    let mut lines = text.lines().map(str::trim_end);
    while let Some(line) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            let lines = lines.by_ref().take_while(|line| !line.trim_start().starts_with("```"));
            blocks.push(Block { before, language, lines: lines.collect() });
            before = ""; // 后一个代码块不能借用前一个代码块的说明
        } else {
            prose += &format!("{line}\n");
            before = if line.is_empty() { before } else { line };
        }
    }
    (prose, blocks)
}

/// 依次取出 `text` 中 `start` 与 `end` 之间的内容。
fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(move |rest| rest.split_once(end).map(|(found, _)| found))
}

/// 标题 `line` 的锚：小写，去掉标点，空格换成 `-`。
fn anchor(line: &str) -> String {
    let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    title.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

#[test]
fn links_and_images_resolve() {
    let mut problems = Vec::new();
    for (dir, file, text) in documents() {
        for target in between(&parse(&text).0, "](", ")").filter(|target| !target.contains("://")) {
            let (path, title) = target.split_once('#').unwrap_or((target, ""));
            let path = root().join(&dir).join(if path.is_empty() { &file } else { path });
            let page = fs::read_to_string(&path).unwrap_or_default();
            let mut titles = page.lines().filter(|line| line.starts_with('#')).map(anchor);
            if !path.exists() || !title.is_empty() && titles.all(|known| known != title) {
                problems.push(format!("{dir}{file}：链接指向的文件或标题不存在：{target}"));
            }
        }
    }
    report(problems);
}

#[test]
fn commands_and_files_exist() {
    let members = members(&root()).unwrap();
    let package = |member: &String| {
        let manifest = text(&format!("{member}/Cargo.toml"));
        manifest.split_once("name = \"").unwrap().1.split('"').next().unwrap().to_string()
    };
    let packages: Vec<String> = members.iter().map(package).collect();
    let justfile = text("justfile");
    let recipes: Vec<&str> = justfile.lines().filter_map(|l| l.split([' ', ':']).next()).collect();
    let example = |name: &str| {
        members.iter().any(|m| root().join(format!("{m}/examples/{name}.rs")).exists())
    };

    // 文档，以及课程程序、答案和典型错误的注释；学生可以写任何注释
    let mut sources = documents();
    for dir in members.iter().filter(|m| !m.starts_with("exercises/")) {
        for file in ["src", "examples"].iter().flat_map(|sub| files(&format!("{dir}/{sub}"), "rs"))
        {
            let name = file.strip_prefix(root()).unwrap().display().to_string();
            sources.push((String::new(), name.clone(), text(&name)));
        }
    }
    let mut problems = Vec::new();
    for (dir, file, text) in &sources {
        // 反引号之间的内容，或者代码块中的一行
        let codes = text.lines().flat_map(|line| {
            line.split('`').skip(1).step_by(2).chain([line.trim_start().trim_start_matches("$ ")])
        });
        for code in codes.filter(|code| !code.contains("NAME") && !code.contains('…')) {
            let words: Vec<&str> = code.split_whitespace().collect();
            let exists = match words[..] {
                ["cargo", "course", "check", name, ref rest @ ..] => {
                    let test = rest.first().filter(|test| !test.starts_with('#'));
                    let tests = STAGES.map(|(_, file)| exercise::tests(&root(), name, file));
                    let tests = tests.into_iter().flatten().flatten();
                    exercises().iter().any(|known| known == name)
                        && test.is_none_or(|test| tests.into_iter().any(|known| known == **test))
                }
                ["cargo", ..] => words.windows(2).all(|pair| match pair[0] {
                    "-p" => pair[1].contains('*') || packages.iter().any(|p| p == pair[1]),
                    "--example" => example(pair[1]),
                    _ => true,
                }),
                ["just", recipe, ..] if file.ends_with(".md") => recipes.contains(&recipe),
                [path] if FOLDERS.iter().any(|folder| path.starts_with(folder)) => {
                    root().join(path).exists() || !path.is_ascii() // 例如 crates/程序/src
                }
                _ => true,
            };
            if !exists {
                problems.push(format!("{dir}{file}：不存在：{code}"));
            }
        }
    }
    report(problems);
}

/// 以这些目录开头、独自成词的代码，是文件名。
const FOLDERS: [&str; 4] = ["crates/", "exercises/", "solutions/", "docs/"];

/// 去掉各行共同的缩进。
fn dedent<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let indents = lines.iter().filter(|line| !line.trim().is_empty());
    let indent = indents.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    lines.iter().map(|line| line.get(indent..).unwrap_or("")).collect()
}

#[test]
fn rust_excerpts_are_verbatim() {
    let mut problems = Vec::new();
    for (dir, file, text) in documents() {
        for block in parse(&text).1.iter().filter(|block| block.language.starts_with("rust")) {
            let excerpt = dedent(&block.lines);
            let found = between(block.before, "](", ")").any(|target| {
                let source = fs::read_to_string(root().join(&dir).join(target)).unwrap_or_default();
                let lines: Vec<&str> = source.lines().collect();
                lines.windows(excerpt.len()).any(|window| dedent(window) == excerpt)
            });
            if !found {
                let excerpt = excerpt.join("\n");
                problems.push(format!("{dir}{file}：摘录与前一行链接的文件不一致：\n{excerpt}"));
            }
        }
    }
    report(problems);
}

/// 一次等待输出的时间。
const PAUSE: Duration = Duration::from_millis(50);

/// 对话中的一个终端：正在运行的程序，文档中还没有重演的行，已经核对的标准输出和标准错误的长度。
struct Terminal<'a> {
    program: Program,
    lines: &'a [&'a str],
    checked: [usize; 2],
}

impl Terminal<'_> {
    /// 还没有核对的标准输出和标准错误。
    fn rest(&self) -> [String; 2] {
        let [stdout, stderr] =
            [self.program.stdout(), self.program.stderr()].map(|text| mask(&text));
        [stdout[self.checked[0]..].to_string(), stderr[self.checked[1]..].to_string()]
    }

    /// 往下重演一行：核对输出，或者（`may_type`）键入 `>>` 之后的内容；没有重演时返回 `false`。
    fn advance(&mut self, may_type: bool) -> bool {
        let Some(&line) = self.lines.first() else { return false };
        let typed = line.strip_prefix(">>");
        if typed.is_some() && !may_type {
            self.program.wait(PAUSE);
            return false;
        }
        let expected = if typed.is_some() { ">>".to_string() } else { mask(line) + "\n" };
        let Some(stream) = self.rest().iter().position(|rest| rest.starts_with(&expected)) else {
            self.program.wait(PAUSE);
            return false;
        };
        self.checked[stream] += expected.len();
        self.lines = &self.lines[1..];
        if let Some(typed) = typed.filter(|typed| !self.lines.is_empty() || !typed.is_empty()) {
            self.program.type_line(typed);
        }
        true
    }
}

/// 文档中的端口和 `wire` 画的时间，与重演时的不同：各换成同一个词。
fn mask(text: &str) -> String {
    let mut masked = String::new();
    for line in text.split_inclusive('\n') {
        let time = line.split_once(" ms  ").filter(|(ms, _)| ms.trim().parse::<u32>().is_ok());
        let mut rest = time.map_or(line, |(_, rest)| rest);
        masked += if time.is_some() { "（时间）" } else { "" };
        let part = |c: char| c.is_ascii_digit() || c == '.' || c == ':';
        while let Some(start) = rest.find(part) {
            let (before, word) = rest.split_at(start);
            let (word, after) = word.split_at(word.find(|c| !part(c)).unwrap_or(word.len()));
            masked += before;
            masked += if word.parse::<SocketAddr>().is_ok() { "（地址）" } else { word };
            rest = after;
        }
        masked += rest;
    }
    masked
}

/// 命令 `$ cargo run -q -p 包 -- 参数` 的包和后面的词；练习的对话用第二关的答案重演。
fn package_and_words(command: &str) -> (String, Vec<&str>) {
    let Some(command) = command.strip_prefix("$ cargo run -q -p ") else {
        panic!("对话的第一行应当是 $ cargo run -q -p ……，实际是：{command}");
    };
    let mut words = command.split_whitespace().filter(|word| *word != "--");
    let package = words.next().unwrap_or_default().to_string();
    let exercise = exercises().contains(&package);
    (if exercise { package + "_robust" } else { package }, words.collect())
}

/// 启动文档中的一条命令；服务端用空闲的端口，`addr` 是已经启动的服务端的地址。
fn start(command: &str, addr: Option<SocketAddr>, dir: &Path, built: &Built) -> Program {
    let (package, words) = package_and_words(command);
    let member = match package.rsplit_once('_') {
        Some((name, "robust")) => format!("solutions/{name}/robust"),
        Some((name, "solution")) => format!("solutions/{name}"),
        _ => format!("crates/{package}"),
    };
    let (target, args) = match words[..] {
        ["--example", example, ref args @ ..] => (example, args),
        _ => (package.as_str(), words.as_slice()),
    };
    let mut given: Vec<String> = Vec::new();
    for arg in args.iter().filter(|arg| arg.parse::<SocketAddr>().is_err()) {
        match root().join(arg) {
            file if file.is_file() => given.push(file.display().to_string()),
            _ => given.push(arg.to_string()),
        };
    }
    let free = "127.0.0.1:0".to_string();
    if package == "wire" {
        given.push(free.clone());
    }
    given.push(addr.map_or(free, |addr| addr.to_string()));
    let exe = built.path(&member, target).unwrap_or_else(|e| panic!("{e}"));
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    rule("").program_in(dir, exe, &given)
}

/// 重演一段对话，每个终端一个代码块；返回与文档不同的各处。
fn replay(blocks: &[&Block], built: &Built) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let mut terminals: Vec<Terminal> = Vec::new();
    let mut addr = None;
    for block in blocks {
        let program = start(block.lines[0], addr, dir.path(), built);
        let end = block.lines.iter().skip(1).position(|line| line.starts_with(['$', '^']));
        let end = end.map_or(block.lines.len(), |end| end + 1);
        let mut terminal = Terminal { program, lines: &block.lines[1..end], checked: [0, 0] };
        // 前一个终端出现第一行输出，再启动后一个：连接的先后与文档一致
        let end = Instant::now() + DEADLINE;
        while !terminal.advance(true) && Instant::now() < end {}
        if addr.is_none() || block.lines[0].contains(" -p wire ") {
            let stderr = terminal.program.stderr();
            let last = stderr.lines().next().unwrap_or("").rsplit(['：', ' ']).next();
            addr = last.and_then(|last| last.parse().ok()); // 以后的程序连接它
        }
        terminals.push(terminal);
    }
    let mut end = Instant::now() + DEADLINE;
    let mut quiet = 0; // 别的终端都没有什么要显示，人才接着输入
    while terminals.iter().any(|terminal| !terminal.lines.is_empty()) && Instant::now() < end {
        quiet += 1;
        for terminal in &mut terminals {
            if terminal.advance(quiet > 2) {
                (quiet, end) = (0, Instant::now() + DEADLINE);
            }
        }
    }
    let mut problems = Vec::new();
    for (number, terminal) in terminals.iter().enumerate() {
        terminal.program.wait(PAUSE); // 如果还有多余的输出，让它出现
        let (lines, rest) = (terminal.lines, terminal.rest().concat());
        if !lines.is_empty() || !rest.is_empty() {
            problems.push(format!("终端 {}：应为 {lines:?}，实际为 {rest:?}", number + 1));
        }
    }
    // 程序结束之后，用 cat 显示它写的文件
    for block in blocks {
        let mut lines = block.lines.iter().skip_while(|line| !line.starts_with("$ cat "));
        if let Some(cat) = lines.next() {
            let file = dir.path().join(cat.trim_start_matches("$ cat "));
            let content = fs::read_to_string(file).unwrap_or_default();
            if content.lines().ne(lines.copied()) {
                problems.push(format!("{cat}：实际为 {content:?}"));
            }
        }
    }
    problems
}

#[test]
fn conversations_can_be_replayed() {
    if no_cargo() {
        return;
    }
    let documents = documents();
    let parsed: Vec<_> = documents.iter().map(|(d, f, text)| (d, f, parse(text).1)).collect();
    let mut conversations: Vec<(String, Vec<&Block>)> = Vec::new();
    for (dir, file, blocks) in &parsed {
        for block in
            blocks.iter().filter(|b| b.before.starts_with("终端 ") && b.before.ends_with('：'))
        {
            if block.before.starts_with("终端 1") {
                conversations.push((format!("{dir}{file}"), Vec::new()));
            }
            conversations.last_mut().expect("对话从终端 1 开始").1.push(block);
        }
    }
    assert!(!conversations.is_empty(), "没有找到对话");
    let commands = conversations.iter().flat_map(|(_, blocks)| blocks);
    let packages: BTreeSet<_> = commands.map(|block| package_and_words(block.lines[0]).0).collect();
    let mut args = vec!["--bins", "--examples"];
    args.extend(packages.iter().flat_map(|package| ["-p", package]));
    let built = build(&args);
    report(side_by_side(&conversations, |(file, blocks)| {
        let problems = replay(blocks, &built).into_iter();
        problems.map(|problem| format!("{file}：{problem}")).collect()
    }));
}
