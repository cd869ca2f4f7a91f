//! `cargo course`：解析参数，交给 `check.rs`、`progress.rs` 或 `grade.rs`。

use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::ExitCode;

use course::exercise::root;
use course::{check, grade, progress};

const USAGE: &str = "\
用法：cargo course check 练习 [测试]   检查一个练习，只显示第一个没有通过的测试
      cargo course progress            各个练习通过了多少测试
      cargo course grade 目录 练习     给一个班评分：目录中每名学生一个目录，结果是 CSV";

fn main() -> ExitCode {
    let args = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<String> = args.collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args[..] {
        ["check", name] => check::check(&root(), name, None),
        ["check", name, test] => check::check(&root(), name, Some(test)),
        ["progress"] => progress::progress(&root()),
        ["grade", dir, name] => grade::grade(&root(), Path::new(dir), name),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            let closed = |e: &io::Error| e.kind() == ErrorKind::BrokenPipe;
            if !e.downcast_ref().is_some_and(closed) {
                eprintln!("错误：{e}"); // 标准输出已经关闭（例如 | head）时，没有什么要说
            }
            ExitCode::FAILURE
        }
    }
}
