//! 问答机器人，第二关：真实的对方要求的。次序与 `README.md` 相同。

use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use testkit::{Outcome::*, Peer, Program, Rule, common, rule};

#[track_caller]
fn server(rule: &Rule) -> Program {
    rule.server(cargo_bin!(), &["server"])
}

/// 启动客户端，返回它和它与测试的连接；它问了“你好”，等着回答。
#[track_caller]
fn client_that_asks(rule: &Rule) -> (Program, Peer, String) {
    let listener = rule.listen();
    let client = rule.client(cargo_bin!(), &["client"], listener.addr());
    let server = listener.accept(&client);
    client.expect_stdout(">>");
    client.type_line("你好");
    server.expect("你好\n");
    (client, server, listener.addr().to_string())
}

fn ask(client: &Peer) {
    client.send("你好\n");
}

#[track_caller]
fn answered(client: &Peer) {
    client.expect("你好啊\n");
}

#[track_caller]
fn exchange(client: &Peer) {
    ask(client);
    answered(client);
}

#[test]
fn questions_however_they_are_cut() {
    let rule = rule(
        "问题可以断在任何地方（汉字中间也一样），几个问题也可以一次到达，空行和 ## 也是问题：每一行一个回答，次序不变。",
    )
    .cause(Other, "把一次 read 当作一个问题；应读到 `\\n`，读完整之后再转换为文字");
    let server = server(&rule);
    let client = server.connect();
    let question = "你叫什么名字\n".as_bytes();
    for piece in [&question[..4], &question[4..question.len() - 1]] {
        client.send(piece);
        client.expect_silence();
    }
    client.send("\n");
    client.expect("我叫小美\n");
    rule.cause(Other, "没有清空前一个问题；跳过了空行；几个问题一次到达，只回答了一个")
        .cause(Closed, "把空行或 ## 当作客户端离开")
        .cause(Silence, "每个问题新建一个 BufReader，丢失了多读的字节；跳过了空行");
    client.send("你好\n\n几岁\n##\n睡");
    client.expect("你好啊\n人家还小，不知道。\n我两岁啦\n人家还小，不知道。\n");
    client.send("了\n");
    client.expect("吸引才是最重要的\n");
    client.expect_silence();
}

#[test]
fn question_that_is_not_utf8() {
    let cause =
        "用了 read_line、lines 或 String::from_utf8：应读字节，用 String::from_utf8_lossy 转换";
    let rule = rule("不是 UTF-8 的字节也是问题，照常查找，连接不中断。")
        .cause(Closed, cause)
        .cause(Ended, cause)
        .cause(Silence, "跳过了不是 UTF-8 的问题");
    let server = server(&rule);
    let client = server.connect();
    client.send(b"\xff\xfe\n");
    client.expect("人家还小，不知道。\n");
    for question in
        [b"\xe4\xbd\xe5\x87\xa0\xe5\xb2\x81\n".as_slice(), "几岁\u{0}\u{80}\n".as_bytes()]
    {
        client.send(question);
        client.expect("我两岁啦\n");
    }
}

#[test]
fn last_question_without_newline() {
    let rule = rule("客户端关闭写方向之前的最后一个问题可以没有 `\\n`：同样回答，然后结束连接。")
        .cause(Closed, "读到 0 字节就结束，没有处理已经读到的内容")
        .cause(Other, "读到 0 字节之后没有结束，不停地回答")
        .cause(Open, "读到 0 字节之后没有结束连接");
    let server = server(&rule);
    let client = server.connect();
    client.send("几岁");
    client.finish();
    client.expect("我两岁啦\n");
    client.expect_close();
}

#[test]
fn answer_is_written_at_once() {
    let rule = rule("回答和 `\\n` 一次写出：分两次写，后一次要等对方确认，约 40 毫秒。")
        .cause(Other, "用了 writeln!(conn, …)：它分两次写。先组成一行，再一次 write_all，见 docs/2.3.4-byte-stream.md");
    let server = server(&rule);
    let client = server.connect();
    let mut gaps: Vec<Duration> = Vec::new();
    for _ in 0..20 {
        client.send("几岁\n");
        gaps.push(client.expect("我两岁啦\n"));
    }
    gaps.drain(..10); // 刚连接时，系统立即确认，看不出来
    gaps.sort();
    if gaps[5] > Duration::from_millis(20) {
        server.fail("一行回答一次到达", &format!("一行之内停顿了 {:.0?}", gaps[5]));
    }
}

#[test]
fn endless_question() {
    let rule = rule(
        "1 KiB 的问题（含 `\\n`）照常回答；64 KiB 还没有 `\\n` 就结束这个连接，别人不受影响。",
    )
    .cause(Silence, "缓冲区太小，装不下 1 KiB 的问题")
    .cause(Closed, "限制得太小；或者限制的是整个连接，不是一个问题：每个问题各限一次");
    let server = server(&rule);
    let other = server.connect();
    let client = server.connect();
    for _ in 0..100 {
        client.send(format!("{}几岁\n", "x".repeat(1024 - "几岁\n".len())));
        client.expect("我两岁啦\n");
    }
    rule.cause(
        Open,
        "没有长度限制，没有 `\\n` 的数据会占满内存；或者过长之后没有结束连接（另有一份 try_clone 也使它打开）",
    );
    client.send("x".repeat(70_000));
    let last = String::from_utf8_lossy(&client.receive_to_end()).into_owned();
    if last.lines().count() > 1 || last.contains("还小") {
        server.fail("结束连接，之前最多发一行说明", &format!("发来 {last:?}"));
    }
    exchange(&other);
    exchange(&server.connect());
}

#[test]
fn clients_that_vanish() {
    common::clients_that_vanish(server, "你叫".as_bytes(), ask, answered);
}

#[test]
fn idle_client_is_kept() {
    let rule = rule("空闲的客户端不会被断开：人要思考才提问。")
        .cause(Closed, "设置了读超时，把思考的人当作离开的人");
    let server = server(&rule);
    let client = server.connect();
    client.expect_silence_for(Duration::from_secs(6));
    exchange(&client);
}

#[test]
fn client_that_does_not_read() {
    let rule = rule("不读回答的客户端不影响别人：要等的只是它自己。")
        .cause(Silence, "发送的时候占着大家共用的锁；由一个线程轮流服务所有的客户端")
        .cause(Ended, "写出错（客户端已经离开）时用了 unwrap");
    let server = server(&rule);
    let (rude, other) = (server.connect(), server.connect());
    rude.flood("几岁\n".repeat(10_000).as_bytes(), 4 << 20);
    exchange(&other);
    rude.close();
    other.expect_silence(); // 因此崩溃的线程，这时也崩溃了
    server.expect_running();
    exchange(&server.connect());
}

#[test]
fn cannot_listen() {
    common::cannot_listen(cargo_bin!(), &["server"]);
}

#[test]
#[cfg(unix)]
fn descriptors_run_out() {
    common::descriptors_run_out(cargo_bin!(), &["server"], exchange);
}

#[test]
fn no_server() {
    common::no_server(cargo_bin!(), &["client"]);
}

#[test]
fn empty_line_prompts_again() {
    let rule = rule("用户只按回车：不发送，再次显示 >>。");
    let (client, server, _) = client_that_asks(&rule);
    server.send("你好啊\n");
    client.expect_stdout("你好啊\n>>");
    rule.cause(Silence, "把空行也发了出去，在等回答");
    client.type_line("");
    client.expect_stdout(">>");
    server.expect_silence();
}

#[test]
fn server_that_goes_away() {
    let rule = rule(
        "服务端不回答就离开，或者回答到一半（没有 `\\n`）就离开：一行错误，用中文写明做什么失败、哪个地址；不打印半个回答。",
    );
    for (half, cause) in [
        ("", "read_until 返回 0 表示服务端已经离开，不是空的回答"),
        ("你好", "没有检查回答是否以 `\\n` 结尾"),
    ] {
        let rule = rule.cause(Open, cause).cause(Other, cause).cause(Ended, cause);
        let (client, server, addr) = client_that_asks(&rule);
        server.send(half);
        server.close();
        client.expect_error(&[&addr]);
    }
    let listener = rule.listen();
    let client = rule.client(cargo_bin!(), &["client"], listener.addr());
    let server = listener.accept(&client);
    client.type_line("你好");
    client.expect_stdout(">>");
    server.reset(); // 没有读“你好”就关闭
    client.expect_error(&[&listener.addr().to_string()]);
}
