//! 检查文档说的是真的：链接、命令和文件存在，代码摘录与源文件一致，终端里的对话能够重演。
//!
//! 约定：摘录的代码块之前是指向源文件的链接；一段对话的每个终端是一个 console 代码块，之前是“终端 1：”。

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use testkit::answers::example;
use testkit::{DEADLINE, Program, neighbour};

/// 仓库的根目录。
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// `dir` 之下扩展名为 `extension` 的文件。
fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap()) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found
}

/// 一个代码块：之前最近的一行文字、语言和内容。
struct Block<'a> {
    before: &'a str,
    language: &'a str,
    lines: Vec<&'a str>,
}

/// 把文档分为正文的各行和代码块。
fn parse(text: &str) -> (Vec<&str>, Vec<Block<'_>>) {
    let (mut prose, mut blocks) = (Vec::new(), Vec::new());
    let mut before = "";
    let mut lines = text.lines().map(str::trim_end);
    while let Some(line) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            let lines = lines.by_ref().take_while(|line| !line.trim_start().starts_with("```"));
            blocks.push(Block { before, language, lines: lines.collect() });
            before = ""; // 后一个代码块不能借用前一个代码块的说明
        } else {
            prose.push(line);
            before = if line.is_empty() { before } else { line };
        }
    }
    (prose, blocks)
}

/// 依次取出 `text` 中 `start` 与 `end` 之间的内容。
fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(move |rest| rest.split_once(end).map(|(found, _)| found))
}

/// 全部问题汇总为一次失败，一行一个。
#[track_caller]
fn report(problems: Vec<String>) {
    assert!(problems.is_empty(), "文档中有 {} 处错误：\n{}", problems.len(), problems.join("\n"));
}

/// 根目录的 `README.md`、讲义和各练习的 `README.md`：路径和内容。
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths = files(&root().join("exercises"), "md");
    paths.retain(|path| path.ends_with("README.md")); // 学生自己的笔记不检查
    paths.extend(files(&root().join("docs"), "md"));
    paths.push(root().join("README.md"));
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> (PathBuf, String) {
    let text = fs::read_to_string(&path).unwrap();
    (path, text)
}

#[test]
fn links_and_images_resolve() {
    let mut problems = Vec::new();
    for (path, text) in documents() {
        let prose = parse(&text).0.join("\n");
        for target in between(&prose, "](", ")") {
            let file = target.split('#').next().unwrap();
            if !target.contains("://") && !path.parent().unwrap().join(file).exists() {
                problems.push(format!("{}：没有 {target}", path.display()));
            }
        }
    }
    report(problems);
}

#[test]
fn commands_and_files_exist() {
    let justfile = fs::read_to_string(root().join("justfile")).unwrap();
    let recipes: Vec<&str> = justfile.lines().filter_map(|l| l.split([' ', ':']).next()).collect();
    let mut problems = Vec::new();
    // 不包括 exercises：学生可以写任何注释
    let sources = ["crates", "solutions"].iter().flat_map(|dir| files(&root().join(dir), "rs"));
    for (path, text) in documents().into_iter().chain(sources.map(read)) {
        // 反引号之间的内容，或者代码块中的一行
        let lines = text.lines().map(|line| line.trim_start_matches("$ "));
        for code in between(&text, "`", "`").chain(lines) {
            let words: Vec<&str> = code.split_whitespace().collect();
            let exists = match words[..] {
                _ if code.contains("NAME") || code.contains('…') => true,
                ["cargo", ..] => words.windows(2).all(|pair| match pair[0] {
                    "-p" => package_exists(pair[1]),
                    "--example" => example_exists(pair[1]),
                    _ => true,
                }),
                ["just", recipe, ..] if path.extension().unwrap() == "md" => {
                    recipes.contains(&recipe)
                }
                [file] if FOLDERS.iter().any(|folder| file.starts_with(folder)) => {
                    let here = path.parent().unwrap();
                    [&root(), here, &here.join("..")].iter().any(|base| base.join(file).exists())
                }
                _ => true,
            };
            if !exists {
                problems.push(format!("{}：不存在：{code}", path.display()));
            }
        }
    }
    report(problems);
}

/// 以这些目录开头、独自成词的代码，是文件名。
const FOLDERS: [&str; 6] = ["crates/", "exercises/", "solutions/", "docs/", "src/", "tests/"];

/// 工作区中有没有包 `name`；答案的包以 `_solution` 结尾。
fn package_exists(name: &str) -> bool {
    let dirs = match name.strip_suffix("_solution") {
        Some(exercise) => vec![root().join("solutions").join(exercise)],
        None => vec![root().join("crates").join(name), root().join("exercises").join(name)],
    };
    name.starts_with("'*") || dirs.iter().any(|dir| dir.join("Cargo.toml").exists())
}

/// 有没有 cargo example `name`：典型错误、第一关的答案、`testkit` 的工具。
fn example_exists(name: &str) -> bool {
    let file = format!("{name}.rs");
    let basic = name.strip_suffix("_basic").map(|name| root().join("solutions").join(name));
    basic.is_some_and(|dir| dir.join("basic").is_dir())
        || ["solutions", "crates/testkit/examples"]
            .iter()
            .any(|dir| files(&root().join(dir), "rs").iter().any(|path| path.ends_with(&file)))
}

/// 去掉各行共同的缩进。
fn dedent<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let indents = lines.iter().filter(|line| !line.trim().is_empty());
    let indent = indents.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    lines.iter().map(|line| line.get(indent..).unwrap_or("")).collect()
}

#[test]
fn rust_excerpts_are_verbatim() {
    let mut problems = Vec::new();
    for (path, text) in documents() {
        for block in parse(&text).1.iter().filter(|block| block.language.starts_with("rust")) {
            let excerpt = dedent(&block.lines);
            let found = between(block.before, "](", ")").any(|target| {
                let source = fs::read_to_string(path.parent().unwrap().join(target));
                let source = source.unwrap_or_default();
                let lines: Vec<&str> = source.lines().collect();
                lines.windows(excerpt.len()).any(|window| dedent(window) == excerpt)
            });
            if !found {
                let excerpt = excerpt.join("\n");
                problems.push(format!("{}：摘录与链接的文件不一致：\n{excerpt}", path.display()));
            }
        }
    }
    report(problems);
}

/// 一次等待输出的时间。
const PAUSE: Duration = Duration::from_millis(50);

/// 对话中的一个终端：正在运行的程序，和文档中它还没有重演的行。
struct Terminal<'a> {
    program: Program,
    lines: &'a [&'a str],
    stdout: usize,
    stderr: usize,
}

impl Terminal<'_> {
    /// 往下重演一行：核对输出，或者键入 `>>` 之后的内容；输出还没有出现时返回 `false`。
    fn advance(&mut self) -> bool {
        let Some(&line) = self.lines.first() else { return false };
        let (stdout, stderr) = (mask(&self.program.stdout()), mask(&self.program.stderr()));
        if let Some(typed) = line.strip_prefix(">>") {
            if !stdout[self.stdout..].starts_with(">>") {
                self.program.wait_output(PAUSE);
                return false;
            }
            self.stdout += ">>".len();
            if self.lines.len() > 1 || !typed.is_empty() {
                self.program.type_line(typed);
            }
        } else {
            let expected = mask(line) + "\n";
            if stdout[self.stdout..].starts_with(&expected) {
                self.stdout += expected.len();
            } else if stderr[self.stderr..].starts_with(&expected) {
                self.stderr += expected.len();
            } else {
                self.program.wait_output(PAUSE);
                return false;
            }
        }
        self.lines = &self.lines[1..];
        true
    }
}

/// 把每个 `IPv4 地址:端口` 换成同一个词：文档中的端口和重演时的不同；`wire` 画的时间也是这样。
fn mask(text: &str) -> String {
    let text: String = text.split_inclusive('\n').map(mask_time).collect();
    let part = |c: char| c.is_ascii_digit() || c == '.' || c == ':';
    let mut masked = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(part) {
        let word = &rest[start..];
        let word = &word[..word.find(|c| !part(c)).unwrap_or(word.len())];
        masked += &rest[..start];
        masked += if word.parse::<SocketAddr>().is_ok() { "（地址）" } else { word };
        rest = &rest[start + word.len()..];
    }
    masked + rest
}

/// 把行首的时间（`  12 ms  `）换成同一个词。
fn mask_time(line: &str) -> String {
    match line.split_once(" ms  ") {
        Some((time, rest)) if time.trim_start().parse::<u64>().is_ok() => format!("（时间）{rest}"),
        _ => line.to_string(),
    }
}

/// 各个包的程序的路径；每个包只编译一次。
type Programs = HashMap<String, PathBuf>;

/// 启动文档中的一条命令；服务端用空闲的端口，`addr` 是已经启动的服务端的地址。
fn start(command: &str, addr: Option<SocketAddr>, dir: &Path, programs: &mut Programs) -> Program {
    let wire = command.contains(" --example wire ");
    let command = command.replace(" --example wire", "");
    let mut words = command.trim_start_matches("$ cargo run -q -p ").split(' ');
    let package = words.next().unwrap();
    let package = match root().join("exercises").join(package).exists() {
        true => format!("{package}_solution"),
        false => package.to_string(),
    };
    let mut args: Vec<String> = words.filter(|word| *word != "--").map(String::from).collect();
    args.retain(|arg| arg.parse::<SocketAddr>().is_err());
    for arg in args.iter_mut().filter(|arg| root().join(arg.as_str()).is_file()) {
        *arg = root().join(arg.as_str()).display().to_string();
    }
    if wire {
        args.push("127.0.0.1:0".to_string());
    }
    args.push(addr.map_or("127.0.0.1:0".to_string(), |addr| addr.to_string()));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let program = programs.entry(package).or_insert_with_key(|package| {
        let deps = std::env::current_exe().unwrap();
        match wire {
            true => example(deps.parent().unwrap(), package, "wire"),
            false => neighbour(deps.parent().unwrap(), package),
        }
    });
    Program::start_in(dir, program, &args)
}

/// 重演一段对话，每个终端一个代码块；与文档不同则返回说明。
fn replay(blocks: &[&Block], dir: &Path, programs: &mut Programs) -> Result<(), String> {
    let mut terminals: Vec<Terminal> = Vec::new();
    let mut addr = None;
    for block in blocks {
        let mut program = start(block.lines[0], addr, dir, programs);
        program.explain("重演文档中的对话");
        if addr.is_none() || block.lines[0].contains(" --example wire ") {
            addr = Some(program.addr()); // 以后的程序连接它
        }
        let end = block.lines.iter().skip(1).position(|line| line.starts_with(['$', '^']));
        let end = end.map_or(block.lines.len(), |end| end + 1);
        let mut terminal = Terminal { program, lines: &block.lines[1..end], stdout: 0, stderr: 0 };
        // 前一个终端出现第一行输出，再启动后一个：连接的先后与文档一致
        let end = Instant::now() + DEADLINE;
        while !terminal.advance() && Instant::now() < end {}
        terminals.push(terminal);
    }
    let mut end = Instant::now() + DEADLINE;
    while terminals.iter().any(|terminal| !terminal.lines.is_empty()) && Instant::now() < end {
        for terminal in &mut terminals {
            if terminal.advance() {
                end = Instant::now() + DEADLINE;
            }
        }
    }
    for (number, Terminal { program, lines, stdout, stderr }) in terminals.iter_mut().enumerate() {
        program.wait_output(PAUSE); // 如果还有多余的输出，让它出现
        let rest =
            [&mask(&program.stdout())[*stdout..], &mask(&program.stderr())[*stderr..]].concat();
        if !lines.is_empty() || !rest.is_empty() {
            return Err(format!("终端 {}：应为 {lines:?}，实际为 {rest:?}", number + 1));
        }
    }
    // 程序结束之后，用 cat 显示它写的文件
    for block in blocks {
        let cat = block.lines.iter().position(|line| line.starts_with("$ cat "));
        if let Some(cat) = cat {
            let file = dir.join(block.lines[cat].trim_start_matches("$ cat "));
            let content = fs::read_to_string(file).unwrap_or_default();
            if content.lines().ne(block.lines[cat + 1..].iter().copied()) {
                return Err(format!("{}：实际为 {content:?}", block.lines[cat]));
            }
        }
    }
    Ok(())
}

#[test]
fn conversations_can_be_replayed() {
    let mut problems = Vec::new();
    let mut count = 0;
    let mut programs = Programs::new();
    let temp = tempfile::tempdir().unwrap();
    for (path, text) in documents() {
        let blocks = parse(&text).1;
        let labelled =
            |block: &&Block| block.before.starts_with("终端 ") && block.before.ends_with('：');
        let mut conversations: Vec<Vec<&Block>> = Vec::new();
        for block in blocks.iter().filter(labelled) {
            if block.before.starts_with("终端 1") {
                conversations.push(Vec::new());
            }
            conversations.last_mut().expect("对话从终端 1 开始").push(block);
        }
        for conversation in conversations {
            count += 1;
            let dir = temp.path().join(count.to_string());
            fs::create_dir(&dir).unwrap();
            if let Err(problem) = replay(&conversation, &dir, &mut programs) {
                problems.push(format!("{}：{problem}", path.display()));
            }
        }
    }
    report(problems);
    assert!(count > 0, "没有找到对话");
}
