//! 网络单词查询：真实的网络和真实的用户。

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use testkit::{Program, UdpSocket, program, udp_socket};

/// 足够一个错误的程序露出破绽；正确的程序在这段时间里没有事做。
const PAUSE: Duration = Duration::from_millis(300);

/// 最大的 UDP 数据报（IPv4）；macOS 默认不让程序发送这样大的。
const MAX_DATAGRAM: usize = if cfg!(target_os = "macos") { 9_216 } else { 65_507 };

const UNKNOWN: &str = "没有找到这个单词";

/// 启动服务端，返回它和只与它收发的套接字；`situation` 说明测试做什么。
#[track_caller]
fn start_server(situation: &str) -> (Program, UdpSocket) {
    let mut server = Program::start(program(cargo_bin!()), &["server", "127.0.0.1:0"]);
    server.explain(situation);
    let addr = server.addr();
    (server, connected_to(addr))
}

/// 只与 `addr` 收发的套接字。
fn connected_to(addr: SocketAddr) -> UdpSocket {
    let socket = udp_socket().0;
    socket.connect(addr).unwrap();
    socket
}

/// 启动客户端，等它显示提示符，返回它和测试扮演的服务端；`situation` 说明测试做什么。
#[track_caller]
fn start_client(situation: &str) -> (Program, UdpSocket) {
    let (socket, addr) = udp_socket();
    let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
    client.explain(situation);
    client.wait_stdout(">>");
    (client, socket)
}

/// 等客户端发来下一个数据报，检查它正是 `word`，返回来源。
#[track_caller]
fn assert_asked(client: &mut Program, socket: &UdpSocket, word: &str) -> SocketAddr {
    let (data, from) = client.recv_from(socket);
    if data != word.as_bytes() {
        let data = String::from_utf8_lossy(&data).into_owned();
        client.fail(&format!("客户端发来 {word:?}；实际：{data:?}"));
    }
    from
}

/// 检查从 `start` 到现在大约过了 `seconds` 秒：不会更早，机器繁忙时可以晚一些。
#[track_caller]
fn assert_elapsed(client: &mut Program, start: Instant, seconds: f32, what: &str) {
    let elapsed = start.elapsed().as_secs_f32();
    if !(seconds - 0.1..seconds + 1.4).contains(&elapsed) {
        client.fail(&format!("输入单词 {seconds} 秒之后{what}；实际：{elapsed:.1} 秒之后"));
    }
}

/// 词典 `dict.txt` 的各行：单词和解释。
fn dict() -> Vec<(String, String)> {
    let dict = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/dict.txt")).unwrap();
    let entry = |line: &str| line.split_once('\t').map(|(word, text)| (word.into(), text.into()));
    dict.lines().filter_map(entry).collect()
}

/// 词典中单词 `word` 的解释。
fn explanation(word: &str) -> String {
    let entry = dict().into_iter().find(|(entry, _)| entry == word);
    entry.expect("dict.txt 中没有这个单词").1
}

#[test]
fn every_word_of_the_dictionary() {
    let (mut server, socket) = start_server(
        "依次查询 dict.txt 中的每一个单词，全部用大写字母。\n\
         常见原因：词典只读了一部分；单词中的空格、- 或 / 没有当作单词的一部分。",
    );
    for (word, explanation) in dict() {
        server.assert_answer(&socket, word.to_uppercase(), &explanation);
    }
}

#[test]
fn part_of_a_word_is_another_word() {
    let (mut server, socket) = start_server(
        "查询的内容只是某个单词的一部分，或者比它多一些，或者是解释中的文字：都是没有的单词。\n\
         常见原因：用了 contains、starts_with 或 find；应要求与词典中的单词完全相同。",
    );
    let line = format!("tcp\t{}", explanation("tcp"));
    for word in ["tc", "tcpx", "cp", "tcp udp", "传输控制协议", "网络", &line] {
        server.assert_answer(&socket, word, UNKNOWN);
    }
    server.assert_answer(&socket, "tcp", &explanation("tcp"));
}

#[test]
fn word_that_is_not_utf8_or_empty() {
    let (mut server, socket) = start_server(
        "数据报不是 UTF-8，或者是空的，或者只有空白：都是没有的单词，服务端继续运行。\n\
         常见原因：用了 String::from_utf8 和 ? 或 unwrap；丢弃了无效的字节；把 0 字节当作对方已经关闭。",
    );
    for word in [&b"\xff\xfe"[..], b"tcp\xff", b"\xe4\xbd", b"", b" \r\n"] {
        server.assert_answer(&socket, word, UNKNOWN);
    }
    server.assert_answer(&socket, "tcp", &explanation("tcp"));
}

#[test]
fn very_long_datagram() {
    let (mut server, socket) = start_server(
        "很长的数据报也要收完整：“tcp、2000 个空格、x”不是 tcp；“2000 个空格、tcp”是 tcp；最大的数据报也要回答。\n\
         常见原因：接收缓冲区太小，数据报被截断，剩下的部分成了另一个单词。",
    );
    let spaces = " ".repeat(2000);
    server.assert_answer(&socket, format!("tcp{spaces}x"), UNKNOWN);
    server.assert_answer(&socket, format!("{spaces}tcp"), &explanation("tcp"));
    server.assert_answer(&socket, "x".repeat(MAX_DATAGRAM), UNKNOWN);
    server.assert_answer(&socket, "udp", &explanation("udp"));
}

#[test]
fn fifty_clients_at_once() {
    let (mut server, socket) = start_server(
        "50 个客户端同时各查一个不同的单词，还有 50 个不等回答就离开：前者都得到自己的回答。\n\
         常见原因：回答没有发给这个单词的来源；发送出错就结束了程序。",
    );
    let addr = socket.peer_addr().unwrap();
    let clients: Vec<_> = dict().into_iter().take(50).map(|e| (connected_to(addr), e)).collect();
    for (client, (word, _)) in &clients {
        let _ = client.send(word.as_bytes());
        let _ = connected_to(addr).send(b"tcp"); // 不等回答就离开
    }
    for (client, (_, explanation)) in clients.iter().rev() {
        server.assert_datagram(client, explanation);
    }
    server.assert_answer(&socket, "udp", &explanation("udp"));
}

#[test]
fn server_that_cannot_bind() {
    let (_socket, addr) = udp_socket();
    let mut server = Program::start(program(cargo_bin!()), &["server", &addr.to_string()]);
    server.explain("端口已被占用：用一行错误说明做什么失败、哪个地址、系统的回答，退出状态 1。\n常见原因：只用了 ?，错误中没有地址；应加上 map_err，见 udp_server。");
    server.assert_error(&["错误：", &addr.to_string()]);
}

#[test]
fn lost_answer() {
    let (mut client, socket) = start_client(
        "第一次发送没有回答，1 秒之后客户端再发；第二次有回答，打印一次。\n\
         然后用户查下一个单词，这时前一个单词的回答又到了（UDP 可能重复、迟到）：不应显示。\n\
         常见原因：接收没有时限；几个单词共用一个套接字（发送之前清空它也不够，回答可能在清空之后才到）。",
    );
    let start = Instant::now();
    client.type_line("tcp");
    let first = assert_asked(&mut client, &socket, "tcp");
    let second = assert_asked(&mut client, &socket, "tcp");
    assert_elapsed(&mut client, start, 1.0, "第二次发送");
    socket.send_to("回答一".as_bytes(), second).unwrap();
    client.wait_stdout("回答一\n>>");
    client.type_line("udp");
    let third = assert_asked(&mut client, &socket, "udp");
    for old in [first, second] {
        socket.send_to("回答一".as_bytes(), old).unwrap();
    }
    client.assert_quiet(PAUSE);
    socket.send_to("回答二".as_bytes(), third).unwrap();
    client.wait_stdout("回答二\n>>");
    client.assert_stdout(">>回答一\n>>回答二\n>>");
}

#[test]
fn no_answer() {
    let (mut client, socket) = start_client(
        "服务端收到单词，始终不回答：每隔 1 秒发送一次，一共 3 次；第 3 次之后再等 1 秒，\n\
         在标准错误上写一行，再次显示 >>。然后用户查下一个单词，这时前一个单词的回答才到：不应显示。\n\
         常见原因：接收没有时限；没有重发；放弃时结束了程序；几个单词共用一个套接字。",
    );
    let start = Instant::now();
    client.type_line("tcp");
    let first = assert_asked(&mut client, &socket, "tcp");
    let second = assert_asked(&mut client, &socket, "tcp");
    assert_elapsed(&mut client, start, 1.0, "第二次发送");
    let third = assert_asked(&mut client, &socket, "tcp");
    assert_elapsed(&mut client, start, 2.0, "第三次发送");
    client.wait_stdout(">>");
    assert_elapsed(&mut client, start, 3.0, "放弃，再次显示 >>");
    client.wait_stderr("\n");
    client.type_line("udp");
    let next = assert_asked(&mut client, &socket, "udp");
    for old in [first, second, third] {
        socket.send_to("迟到的回答".as_bytes(), old).unwrap();
    }
    client.assert_quiet(PAUSE);
    socket.send_to("回答".as_bytes(), next).unwrap();
    client.wait_stdout("回答\n>>");
    client.assert_stdout(">>>>回答\n>>");
}

#[test]
fn no_server() {
    let (closed, addr) = udp_socket();
    closed.connect(addr).unwrap(); // 占住端口，只收自己发的：系统拒绝别人发来的数据报，如同没有服务端
    let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
    client.explain(
        "这个端口没有服务端，系统可能立即报告“连接被拒绝”：与没有回答一样，发送 3 次之后\n\
         在标准错误上写一行，再次显示 >>，不结束。\n\
         常见原因：发送或接收时用了 ?，一次出错就结束了客户端。",
    );
    client.wait_stdout(">>");
    client.type_line("tcp");
    client.wait_stdout(">>");
    client.wait_stderr("\n");
    client.type_line("##");
    client.assert_exit(0);
    client.assert_stdout(">>>>");
}

#[test]
fn answer_from_a_stranger() {
    let (mut client, socket) = start_client(
        "客户端等待回答时，别的套接字（不是服务端）向它的端口发来三个数据报，然后服务端才回答。\n\
         常见原因：没有检查 recv_from 返回的来源，也没有 connect；把别人的数据报算作一次回答。",
    );
    client.type_line("tcp");
    let from = assert_asked(&mut client, &socket, "tcp");
    let (stranger, _) = udp_socket();
    for _ in 0..3 {
        stranger.send_to("别人的数据报".as_bytes(), from).unwrap();
    }
    client.assert_quiet(PAUSE);
    socket.send_to("回答".as_bytes(), from).unwrap();
    client.wait_stdout("回答\n>>");
    client.assert_stdout(">>回答\n>>");
}

#[test]
fn long_answers_and_answers_that_are_not_utf8() {
    let (mut client, socket) = start_client(
        "回答不是 UTF-8：无效的字节显示为 �。回答有 500 字节：完整地打印，占一行。\n\
         常见原因：用了 String::from_utf8；接收缓冲区太小，数据报超出的部分丢失了。",
    );
    let long = "x".repeat(2) + &"汉字".repeat(83);
    for answer in [&b"\xffabc\xe4"[..], long.as_bytes()] {
        client.type_line("tcp");
        let from = assert_asked(&mut client, &socket, "tcp");
        socket.send_to(answer, from).unwrap();
        client.wait_stdout("\n>>");
    }
    client.assert_stdout(&format!(">>�abc�\n>>{long}\n>>"));
}

#[test]
fn empty_line_prompts_again() {
    let (mut client, socket) = start_client(
        "用户在空行上按回车，再输入单词：空行不发送，再次显示 >>。\n\
         常见原因：空行也发给了服务端；空行被当作输入结束。",
    );
    client.type_line("");
    client.wait_stdout(">>");
    client.type_line("tcp");
    assert_asked(&mut client, &socket, "tcp");
}

#[test]
fn end_of_input_ends_the_client() {
    let (mut client, socket) = start_client(
        "用户按 Ctrl-D：客户端什么也不发，正常结束，退出状态 0。\n\
         常见原因：没有处理 read_line 返回 0，程序不停地显示 >> 或发送空行。",
    );
    client.end_input();
    client.assert_exit(0);
    client.assert_stdout(">>");
    socket.set_nonblocking(true).unwrap(); // 客户端已经结束，发出的都已到达
    if socket.recv(&mut [0; 100]).is_ok() {
        client.fail("客户端什么也不发；实际发来一个数据报");
    }
}

#[test]
fn typed_bytes_that_are_not_utf8() {
    let (mut client, socket) = start_client(
        "用户的输入中有半个汉字（退格只删去了它的一部分）：无效的字节以 � 发送，程序继续。\n\
         常见原因：用了 read_line 或 lines，它们遇到无效的 UTF-8 返回错误。",
    );
    client.type_bytes(b"a\xe4\xbd\n");
    assert_asked(&mut client, &socket, "a�");
}

#[test]
fn two_words_typed_at_once() {
    let (mut client, socket) = start_client(
        "两个单词一次输入（粘贴，或来自管道）：依次查询，依次打印。\n\
         常见原因：每次读一行都新建 BufReader，丢失了它多读的下一行。",
    );
    client.type_bytes(b"tcp\nudp\n");
    for (word, answer) in [("tcp", "回答一"), ("udp", "回答二")] {
        let from = assert_asked(&mut client, &socket, word);
        socket.send_to(answer.as_bytes(), from).unwrap();
    }
    client.wait_stdout("回答二\n>>");
    client.assert_stdout(">>回答一\n>>回答二\n>>");
}
