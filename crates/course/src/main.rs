//! 学生反复运行的命令：`cargo course check NAME`、`cargo course progress`、`cargo course grade DIR NAME`。

fn main() {}
