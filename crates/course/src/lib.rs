//! 学生反复运行的命令：检查一个练习、看进度；教师用它评分。
//!
//! 三个命令都先把工作区复制到 `target` 之下，在那里编译、测试；`tests` 中的检查使课程的各部分保持一致。

pub mod cargo;
pub mod check;
pub mod exercise;
pub mod grade;
pub mod mirror;
pub mod progress;
pub mod runner;

/// 出错时是一句中文，或者系统的回答。
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
