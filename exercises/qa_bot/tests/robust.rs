//! 问答机器人：真实的网络和真实的用户。

use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use testkit::{Program, TcpStream, connect, listen, program, reset};

/// 足够一个错误的程序露出破绽；正确的程序在这段时间里没有事做。
const PAUSE: Duration = Duration::from_millis(300);

/// 启动服务端，返回它和它的地址；`situation` 说明测试做什么。
#[track_caller]
fn start_server(situation: &str) -> (Program, SocketAddr) {
    let mut server = Program::start(program(cargo_bin!()), &["server", "127.0.0.1:0"]);
    server.explain(situation);
    let addr = server.addr();
    (server, addr)
}

/// 启动客户端，返回它和它与测试的连接；`situation` 说明测试做什么。
#[track_caller]
fn start_client(situation: &str) -> (Program, TcpStream) {
    let (listener, addr) = listen();
    let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
    client.explain(situation);
    let conn = client.accept(&listener);
    client.wait_stdout(">>");
    (client, conn)
}

/// 服务端仍能为新的客户端服务。
#[track_caller]
fn assert_still_serving(server: &mut Program, addr: SocketAddr) {
    let mut client = connect(addr);
    client.write_all("你好\n".as_bytes()).unwrap();
    server.assert_receives(&mut client, "你好啊\n");
}

#[test]
fn question_in_pieces() {
    let (mut server, addr) = start_server(
        "问题“你叫什么名字\\n”分三段到达，第一段断在一个汉字中间，\\n 单独到达。\n\
         常见原因：把一次 read 当作一个问题；应读到 \\n 为止，读完整之后再转换为文字。",
    );
    let mut client = connect(addr);
    let question = "你叫什么名字\n".as_bytes();
    for piece in [&question[..4], &question[4..question.len() - 1]] {
        client.write_all(piece).unwrap();
        server.assert_silent(&mut client, PAUSE);
    }
    client.write_all(b"\n").unwrap();
    server.assert_receives(&mut client, "我叫小美\n");
}

#[test]
fn questions_glued_together() {
    let (mut server, addr) = start_server(
        "一次发出“你好\\n几岁\\n睡了\\n今天”，稍后发出“下雨吗\\n”：四个问题，四个回答。\n\
         常见原因：把一次 read 当作一个问题；每个问题新建一个 BufReader，丢失了多读的字节。",
    );
    let mut client = connect(addr);
    client.write_all("你好\n几岁\n睡了\n今天".as_bytes()).unwrap();
    server.assert_receives(&mut client, "你好啊\n我两岁啦\n吸引才是最重要的\n");
    client.write_all("下雨吗\n".as_bytes()).unwrap();
    server.assert_receives(&mut client, "人家还小，不知道。\n");
    server.assert_silent(&mut client, PAUSE);
}

#[test]
fn last_question_without_newline() {
    let (mut server, addr) = start_server(
        "客户端发出“几岁”，不发 \\n，就关闭写方向：这个问题同样要回答。\n\
         常见原因：收到 0 字节之后没有结束，不停地回答；或者收到 0 字节就结束，没有处理已经读到的内容。",
    );
    let mut client = connect(addr);
    client.write_all("几岁".as_bytes()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    server.assert_receives(&mut client, "我两岁啦\n");
    server.assert_closes(&mut client);
}

#[test]
fn question_that_is_not_utf8() {
    let (mut server, addr) = start_server(
        "问题中有不是 UTF-8 的字节：照常查找和回答，连接不中断。\n\
         常见原因：用了 read_line 或 String::from_utf8；应读字节，用 String::from_utf8_lossy 转换。",
    );
    let mut client = connect(addr);
    client.write_all(b"\xff\xfe\n").unwrap();
    server.assert_receives(&mut client, "人家还小，不知道。\n");
    client.write_all(&[b"\xff", "几岁".as_bytes(), b"\xe4\n"].concat()).unwrap();
    server.assert_receives(&mut client, "我两岁啦\n");
}

#[test]
fn question_of_1024_bytes_is_answered() {
    let (mut server, addr) = start_server(
        "问题有 1024 字节（不含 \\n），关键字在末尾：没有超过限制，应回答。\n\
         常见原因：缓冲区太小；把 \\n 也算进了长度。",
    );
    let mut client = connect(addr);
    let question = "x".repeat(1024 - "几岁".len()) + "几岁\n";
    client.write_all(question.as_bytes()).unwrap();
    server.assert_receives(&mut client, "我两岁啦\n");
}

#[test]
fn question_over_1024_bytes_ends_its_connection_only() {
    let (mut server, addr) = start_server(
        "一个客户端不停地发送，没有 \\n：超过 1024 字节就应结束这个连接，其他连接不受影响。\n\
         常见原因：read_until 没有长度限制；超长时回答了，或者结束了整个程序。",
    );
    let mut other = connect(addr);
    for question in ["x".repeat(1025), "x".repeat(1025) + "\n", "几岁".repeat(1000)] {
        let mut client = connect(addr);
        client.write_all(question.as_bytes()).unwrap();
        server.assert_closes(&mut client);
    }
    other.write_all("几岁\n".as_bytes()).unwrap();
    server.assert_receives(&mut other, "我两岁啦\n");
    assert_still_serving(&mut server, addr);
}

#[test]
fn clients_that_vanish() {
    let (mut server, addr) = start_server(
        "客户端什么也不问就离开、问到一半离开、不读回答就重置连接：服务端继续服务。\n\
         常见原因：在循环中用 ? 或 unwrap，一个连接的错误结束了整个程序。",
    );
    drop(connect(addr));
    let mut client = connect(addr);
    client.write_all("你叫".as_bytes()).unwrap();
    drop(client);
    for _ in 0..3 {
        let mut client = connect(addr);
        client.write_all("你好\n".as_bytes()).unwrap();
        reset(client);
    }
    assert_still_serving(&mut server, addr);
    server.assert_running();
}

#[test]
fn fifty_clients_at_once() {
    let (mut server, addr) = start_server(
        "50 个客户端同时连接，各发半个问题，再各发后半个：每个都得到自己的回答。\n\
         常见原因：一次只服务一个客户端；多个客户端共用了缓冲区。",
    );
    let mut clients: Vec<TcpStream> = (0..50).map(|_| connect(addr)).collect();
    for client in &mut clients {
        client.write_all("你是男生".as_bytes()).unwrap();
    }
    for client in clients.iter_mut().rev() {
        client.write_all("女生\n".as_bytes()).unwrap();
        server.assert_receives(client, "我是机器人\n");
    }
}

#[test]
fn idle_client_is_kept() {
    let (mut server, addr) = start_server(
        "客户端连接之后思考 6 秒才提问：连接应当还在。\n\
         常见原因：设置了读超时，把思考的人当作离开的人。",
    );
    let mut client = connect(addr);
    server.assert_silent(&mut client, Duration::from_secs(6));
    client.write_all("几岁\n".as_bytes()).unwrap();
    server.assert_receives(&mut client, "我两岁啦\n");
}

#[test]
fn server_that_cannot_listen() {
    let (_listener, addr) = listen();
    let mut server = Program::start(program(cargo_bin!()), &["server", &addr.to_string()]);
    server.explain("端口已被占用：用一行错误说明做什么失败、哪个地址、系统的回答，退出状态 1。\n常见原因：只用了 ?，错误中没有地址；应加上 map_err，见 tcp_server 和 tcp_client。");
    server.assert_error(&["错误：", &addr.to_string()]);
}

#[test]
fn answer_in_pieces() {
    let (mut client, mut conn) = start_client(
        "一个很长的回答分三段到达，断在汉字中间，\\n 单独到达：到齐之后打印，占一行。\n\
         常见原因：把一次 read 当作一个回答；缓冲区太小，其余部分成了下一个问题的回答。",
    );
    client.type_line("你好");
    client.assert_receives(&mut conn, "你好\n");
    let answer = "汉字".repeat(500);
    for piece in [&answer.as_bytes()[..4], &answer.as_bytes()[4..]] {
        conn.write_all(piece).unwrap();
        client.assert_quiet(PAUSE);
    }
    conn.write_all(b"\n").unwrap();
    client.wait_stdout(">>");
    client.assert_stdout(&format!(">>{answer}\n>>"));
}

#[test]
fn empty_line_prompts_again() {
    let (mut client, mut conn) = start_client(
        "用户在空行上按回车，再输入问题：空行不发送，再次显示 >>。\n\
         常见原因：空行也发给了服务端；空行被当作输入结束。",
    );
    client.type_line("");
    client.wait_stdout(">>");
    client.type_line("你好");
    client.assert_receives(&mut conn, "你好\n");
}

#[test]
fn end_of_input_ends_the_client() {
    let (mut client, mut conn) = start_client(
        "用户按 Ctrl-D：客户端什么也不发，正常结束，退出状态 0。\n\
         常见原因：没有处理 read_line 返回 0，程序不停地显示 >> 或发送空行。",
    );
    client.end_input();
    client.assert_closes(&mut conn);
    client.assert_exit(0);
}

#[test]
fn typed_bytes_that_are_not_utf8() {
    let (mut client, mut conn) = start_client(
        "用户的输入中有半个汉字（退格只删去了它的一部分）：无效的字节以 � 发送，程序继续。\n\
         常见原因：用了 read_line 或 lines，它们遇到无效的 UTF-8 返回错误。",
    );
    client.type_bytes(b"a\xe4\xbd\n");
    client.assert_receives(&mut conn, "a�\n");
}

#[test]
fn server_that_goes_away() {
    let (mut client, mut conn) = start_client(
        "服务端收到问题后关闭连接：客户端用一行错误说明，退出状态 1。\n\
         常见原因：没有检查读到 0 字节，打印出空的回答。",
    );
    client.type_line("你好");
    client.assert_receives(&mut conn, "你好\n");
    drop(conn);
    client.assert_error(&["错误："]);

    let (mut client, conn) = start_client(
        "服务端不读问题就关闭，连接被重置：客户端用一行错误说明，退出状态 1。\n\
         常见原因：对读写的结果用了 unwrap。",
    );
    client.type_line("你好");
    reset(conn);
    client.assert_error(&["错误："]);
}

#[test]
fn no_server() {
    let (listener, addr) = listen();
    drop(listener);
    let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
    client.explain("没有服务端：用一行错误说明做什么失败、哪个地址、系统的回答，退出状态 1。\n常见原因：只用了 ?，错误中没有地址；应加上 map_err，见 tcp_server 和 tcp_client。");
    client.assert_error(&["错误：", &addr.to_string()]);
}
