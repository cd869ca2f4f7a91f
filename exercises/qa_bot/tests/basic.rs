//! 问答机器人：课程要求的功能。先让这里的测试全部通过，再看 `robust.rs`。

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use testkit::{Program, connect, listen, program};

/// 一行的前一半到达之后，过这么久后一半才到达。
const PAUSE: Duration = Duration::from_millis(200);

/// 启动服务端，返回它和它的地址；`situation` 说明测试做什么。
#[track_caller]
fn start_server(situation: &str) -> (Program, SocketAddr) {
    let mut server = Program::start(program(cargo_bin!()), &["server", "127.0.0.1:0"]);
    server.explain(situation);
    let addr = server.addr();
    (server, addr)
}

/// 启动连接到 `addr` 的客户端；`situation` 说明测试做什么。
fn start_client(addr: SocketAddr, situation: &str) -> Program {
    let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
    client.explain(situation);
    client
}

#[test]
fn server_answers_by_keyword() {
    let (mut server, addr) = start_server(
        "一个客户端依次问六个问题，每个问题含有一个关键字，最后一个不含；然后一个问题分两段到达。\n\
         常见原因：回答后面没有 \\n；没有清空前一个问题；只回答了一个问题就关闭连接；要求问题与关键字完全相同；\n\
         把一次 read 当作一个问题，没有等 \\n。",
    );
    let mut client = connect(addr);
    for (question, answer) in [
        ("你好\n", "你好啊\n"),
        ("你叫什么名字\n", "我叫小美\n"),
        ("请问你今年几岁了\n", "我两岁啦\n"),
        ("你是男生女生\n", "我是机器人\n"),
        ("你睡了吗\n", "吸引才是最重要的\n"),
        ("今天下雨吗\n", "人家还小，不知道。\n"),
    ] {
        client.write_all(question.as_bytes()).unwrap();
        server.assert_receives(&mut client, answer);
    }
    client.write_all("你叫什么".as_bytes()).unwrap();
    server.assert_silent(&mut client, PAUSE);
    client.write_all("名字\n".as_bytes()).unwrap();
    server.assert_receives(&mut client, "我叫小美\n");
}

#[test]
fn server_takes_the_first_keyword_of_the_table() {
    let (mut server, addr) = start_server(
        "问题含有两个关键字，问答表中靠后的一个先说：应按问答表的次序，取靠前的一个。\n\
         常见原因：取了问题中最先出现的关键字；把问答表放进了不保持次序的 HashMap；\n\
         只回答了一个问题就关闭连接（先看 server_answers_by_keyword）。",
    );
    let mut client = connect(addr);
    for (question, answer) in [
        ("叫什么？你好！\n", "你好啊\n"),
        ("几岁？叫什么？\n", "我叫小美\n"),
        ("男生女生？几岁？\n", "我两岁啦\n"),
        ("睡了？男生女生？\n", "我是机器人\n"),
    ] {
        client.write_all(question.as_bytes()).unwrap();
        server.assert_receives(&mut client, answer);
    }
}

#[test]
fn server_serves_two_clients_at_once() {
    let (mut server, addr) = start_server(
        "第一个客户端连接之后不提问，第二个客户端提问；然后第一个再提问。\n\
         常见原因：服务完一个客户端才接受下一个，应为每个连接启动一个线程。",
    );
    let mut idle = connect(addr);
    let mut client = connect(addr);
    client.write_all("你好\n".as_bytes()).unwrap();
    server.assert_receives(&mut client, "你好啊\n");
    idle.write_all("几岁\n".as_bytes()).unwrap();
    server.assert_receives(&mut idle, "我两岁啦\n");
}

#[test]
fn client_asks_and_prints() {
    let (listener, addr) = listen();
    let mut client = start_client(
        addr,
        "测试扮演服务端：客户端提两个问题，打印两个回答（第二个分两段到达），然后用户输入 ##。\n\
         常见原因：显示 >> 之后没有 flush；问题后面没有 \\n；## 也发给了服务端；\n\
         把一次 read 当作一个回答，没有等 \\n；\n\
         回答没有占一行，或者多了一个空行（收到的回答已经带有 \\n）。",
    );
    let mut conn = client.accept(&listener);
    client.wait_stdout(">>");
    client.type_line("你是谁");
    client.assert_receives(&mut conn, "你是谁\n");
    conn.write_all("回答一\n".as_bytes()).unwrap();
    client.wait_stdout("回答一\n>>");
    client.type_line("第二个问题");
    client.assert_receives(&mut conn, "第二个问题\n");
    conn.write_all("回答".as_bytes()).unwrap();
    client.assert_quiet(PAUSE);
    conn.write_all("二\n".as_bytes()).unwrap();
    client.wait_stdout("回答二\n>>");
    client.type_line("##");
    client.assert_closes(&mut conn);
    client.assert_exit(0);
    client.assert_stdout(">>回答一\n>>回答二\n>>");
}

#[test]
fn together_client_and_server() {
    let (mut server, addr) = start_server(
        "你的两个客户端轮流向你的服务端提问。\n\
         先看别的测试：它们分别检查两端，失败时说明原因。都通过时，问题在别处，例如服务端一次只服务一个客户端。",
    );
    let mut clients = ["第一个", "第二个"].map(|name| {
        let situation = format!(
            "你的{name}客户端连接你的服务端，提问。\n\
             先看别的测试：它们分别检查两端，失败时说明原因；服务端的 server_ 测试没有通过时，客户端等不到回答。"
        );
        start_client(addr, &situation)
    });
    let talk = [("你好呀", "你好啊\n>>"), ("天气", "人家还小，不知道。\n>>")];
    for (question, answer) in talk {
        for client in &mut clients {
            client.type_line(question);
            client.wait_stdout(answer);
        }
    }
    for client in &mut clients {
        client.type_line("##");
        client.assert_exit(0);
    }
    server.assert_running();
}
