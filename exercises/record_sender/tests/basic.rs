//! 记录上传，第一关：课程要求的。

mod saved;

use std::fs;

use assert_cmd::cargo::cargo_bin;
use saved::{expect_saved, server};
use testkit::{Outcome::*, rule};

/// 课程的三条记录，每条占一行。
const RECORDS: &str = "张三  18   177\n李四  19   180\n王五  120  183\n";

#[test]
fn client_sends_the_records_and_prints_the_answer() {
    let rule = rule("客户端发送三条记录和 #，每条后面加 `\\n`；读到回答，打印保存了几条。")
        .cause(
            Other,
            "记录或 # 后面没有 `\\n`：等一会儿再发，不能代替边界；记录中的空格与课程的不同",
        )
        .cause(Closed, "没有发完就关闭了连接")
        .cause(Ended, "没有发完，或者没有等回答就结束了");
    let listener = rule.listen();
    let client = rule.client(cargo_bin!(), &["client"], listener.addr());
    let server = listener.accept(&client);
    server.expect(format!("{RECORDS}#\n"));
    rule.cause(Other, "没有读到回答就打印").cause(Ended, "没有读到回答就结束了");
    client.expect_quiet();
    server.send("3\n");
    rule.cause(Other, "没有去掉回答末尾的 `\\n`；文字与约定的不同")
        .cause(Silence, "读到 `\\n`，回答就完整了：不要等服务端关闭连接");
    client.expect_stdout("服务端已保存 3 条记录\n");
    client.expect_exit(0);
    rule.cause(Ended, "# 后面还发了什么");
    server.expect_close();
    if server.was_reset() {
        rule.cause(Ended, "等一会儿，不能代替读回答");
        client.fail("读完回答", "没有读完回答就关闭连接，连接因此被重置");
    }
}

#[test]
fn server_saves_the_records() {
    let rule = rule(
        "每条记录在 records.txt 中占一行；单独一个 # 的一行是结束：回答条数，打印保存了几条。",
    )
    .cause(Silence, "没有认出“#\\n”，例如每次读之前没有清空 line；在等客户端关闭连接")
    .cause(Other, "# 也算了一条；没有等到 # 就回答")
    .cause(Closed, "读了一条就结束了");
    let dir = tempfile::tempdir().unwrap();
    let server = server(&rule, dir.path());
    let client = server.connect();
    for record in RECORDS.split_inclusive('\n') {
        client.send(record);
        client.expect_silence();
    }
    client.send("#\n");
    client.expect("3\n");
    rule.cause(Other, "记录没有各占一行；# 也写进了文件；写进了 BufWriter 而没有 flush");
    expect_saved(&server, dir.path(), RECORDS);
    rule.cause(Other, "文字与约定的不同");
    server.expect_line("已保存 3 条记录");
}

#[test]
fn server_separates_glued_records() {
    let rule = rule("许多记录可以粘在一起到达：按 `\\n` 分开；记录中有 # 也不是结束。")
        .cause(Silence, "把一次 read 当作一条记录；每条记录新建一个 BufReader，丢失了它多读的字节")
        .cause(
            Other,
            "在收到的字节中找 #：单独一个 # 的一行才是结束；把一次 read 当作一条或全部记录",
        )
        .cause(Ended, "计数的类型太小");
    let dir = tempfile::tempdir().unwrap();
    let server = server(&rule, dir.path());
    let client = server.connect();
    let records: String = (1..=300).map(|i| format!("第 {i} 条  汉字  #{i}\n")).collect();
    client.send(format!("{records}#\n"));
    client.expect("300\n");
    expect_saved(&server, dir.path(), &records);
}

#[test]
fn server_joins_the_pieces() {
    let rule = rule("一条记录可以分几段到达，断在哪里都一样，汉字中间、`\\n` 之前也一样。")
        .cause(Other, "没有等到整行，就在收到的字节中找 #，例如用 ends_with")
        .cause(Closed, "把一次 read 当作一条记录；把半个汉字当作错误：读到 `\\n` 才完整");
    let dir = tempfile::tempdir().unwrap();
    let server = server(&rule, dir.path());
    let client = server.connect();
    let message = "张三  18\n李四  19#\n王五  120\n#\n".as_bytes();
    let mut start = 0;
    for cut in [4, 22, 23, message.len() - 1] {
        client.send(&message[start..cut]);
        client.expect_silence();
        start = cut;
    }
    client.send("\n");
    rule.cause(Other, "把一次 read 当作一条（或几条完整的）记录");
    client.expect("3\n");
    rule.cause(Other, "每次 read 之后就转换为文字，半个汉字成了 �：先读到 `\\n`，再转换；把一次 read 当作一条记录");
    expect_saved(&server, dir.path(), "张三  18\n李四  19#\n王五  120\n");
}

#[test]
fn server_appends_and_counts_for_each_client() {
    let rule =
        rule("记录追加在文件末尾，以前的保留；服务完一个客户端，再服务下一个，条数按连接计算。")
            .cause(Other, "条数没有从 0 开始")
            .cause(Silence, "没有再接受连接")
            .cause(Ended, "服务一个客户端之后就结束了");
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("records.txt"), "以前的记录\n").unwrap();
    let server = server(&rule, dir.path());
    for (records, n) in [("赵六  20  170\n钱七  21  171\n", 2), ("孙八  22  172\n", 1)] {
        let client = server.connect();
        client.send(format!("{records}#\n"));
        client.expect(format!("{n}\n"));
        server.expect_line(&format!("已保存 {n} 条记录"));
    }
    let stdout = server.stdout();
    let lines: Vec<&str> = stdout.lines().filter(|line| line.starts_with("已保存 ")).collect();
    if lines.len() > 2 {
        rule.cause(Other, "每保存一条就打印了一行");
        server.fail("每个客户端打印一行“已保存 {n} 条记录”", &format!("打印了 {lines:?}"));
    }
    rule.cause(Other, "用 File::create 打开文件，清空了以前的记录");
    let expected = "以前的记录\n赵六  20  170\n钱七  21  171\n孙八  22  172\n";
    expect_saved(&server, dir.path(), expected);
}

#[test]
#[cfg(unix)] // 用 ulimit 限制文件的大小，写文件就出错，如同磁盘已满
fn server_answers_after_saving() {
    let rule =
        rule("先写入文件，再回答：回答就是“已经保存”；写不进去（例如磁盘已满），就不能这样回答。");
    let dir = tempfile::tempdir().unwrap();
    let before = "以前的记录\n".repeat(500);
    fs::write(dir.path().join("records.txt"), &before).unwrap();
    let full = "trap '' XFSZ; ulimit -f 1";
    let server = rule.server_limited(dir.path(), full, cargo_bin!(), &["server"]);
    let client = server.connect();
    client.send("张三  18\n#\n");
    client.finish();
    let answer = client.receive_to_end();
    rule.cause(Other, "用 File::create 打开文件，清空了以前的记录");
    expect_saved(&server, dir.path(), &before);
    if answer == b"1\n" {
        rule.cause(
            Other,
            "回答的时候记录还在 BufWriter 里：先 flush；没有检查写文件的结果：写不进去就返回错误",
        );
        server.fail("记录没有写进文件，就不回答“1”", "收到 \"1\\n\"，而文件中没有这条记录");
    }
}

#[test]
fn together_client_and_server() {
    let rule = rule("自己的客户端先后两次把记录发给自己的服务端，文件中有六条记录。");
    let dir = tempfile::tempdir().unwrap();
    let server = server(&rule, dir.path());
    for _ in 0..2 {
        let client = rule.client(cargo_bin!(), &["client"], server.addr());
        client.expect_stdout("服务端已保存 3 条记录\n");
        client.expect_exit(0);
        server.expect_line("已保存 3 条记录");
    }
    expect_saved(&server, dir.path(), RECORDS.repeat(2));
}
