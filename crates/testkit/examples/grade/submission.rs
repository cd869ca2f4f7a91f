//! 读一名学生交来的源代码：只取 `exercises/NAME/src` 中名字普通的普通文件 `*.rs`。

use std::fs;
use std::path::Path;

/// 一个源文件最多这么大。
const MAX_SOURCE: u64 = 1024 * 1024;

/// 一个练习交来的源文件（文件名和内容），和给学生的说明。
pub struct Sources {
    pub files: Vec<(String, Vec<u8>)>,
    pub notes: Vec<String>,
}

/// 读学生目录 `student` 中的练习 `exercise`；没有可评的，返回原因。
pub fn collect(student: &Path, exercise: &str) -> Result<Sources, String> {
    let mut src = student.to_path_buf();
    for part in ["exercises", exercise, "src"] {
        src.push(part);
        let Ok(metadata) = fs::symlink_metadata(&src) else {
            return Err(match part {
                "exercises" => missing(student),
                _ => "没有交".to_string(),
            });
        };
        if !metadata.is_dir() {
            return Err(format!("没有评分：{part} 不是目录"));
        }
    }
    let mut sources = Sources { files: Vec::new(), notes: Vec::new() };
    let Ok(entries) = fs::read_dir(&src) else {
        return Err("没有评分：src 不能读".to_string());
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let regular = entry.metadata().is_ok_and(|metadata| metadata.is_file()); // 不跟随链接
        let small = entry.metadata().is_ok_and(|metadata| metadata.len() <= MAX_SOURCE);
        match fs::read(entry.path()) {
            _ if !regular || !small || !plain(&name) => {
                sources.notes.push(format!("没有取 src/{}", printable(&name).replace('\n', " ")));
            }
            Ok(content) => sources.files.push((name, content)),
            Err(e) => sources.notes.push(format!("不能读 src/{name}：{e}")),
        }
    }
    sources.files.sort();
    sources.notes.sort();
    sources.notes.truncate(20);
    if sources.files.is_empty() {
        return Err("没有交".to_string());
    }
    Ok(sources)
}

/// 没有 `exercises` 目录时的说明：多半是多了一层目录。
fn missing(student: &Path) -> String {
    for entry in fs::read_dir(student).into_iter().flatten().flatten() {
        if entry.path().join("exercises").is_dir() {
            let name = printable(&entry.file_name().to_string_lossy());
            return format!("没有评分：多了一层目录 {name}，请把其中的 exercises 移上来");
        }
    }
    "没有评分：没有 exercises 目录".to_string()
}

/// 文件名只含字母、数字和下划线，扩展名为 `rs`。
fn plain(name: &str) -> bool {
    let stem = name.strip_suffix(".rs").unwrap_or_default();
    !stem.is_empty() && stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// 去掉控制字符：学生起的名字、印出的文字，不能控制教师的终端。
pub fn printable(text: &str) -> String {
    text.chars().filter(|&c| !c.is_control() || c == '\n' || c == '\t').collect()
}
