//! 网络单词查询：课程要求的功能。先让这里的测试全部通过，再看 `robust.rs`。

use std::net::{Ipv4Addr, SocketAddr};

use assert_cmd::cargo::cargo_bin;
use testkit::{Program, UdpSocket, program, udp_socket};

/// 启动服务端，返回它和只与它收发的套接字；`situation` 说明测试做什么。
#[track_caller]
fn start_server(situation: &str) -> (Program, UdpSocket) {
    let mut server = Program::start(program(cargo_bin!()), &["server", "127.0.0.1:0"]);
    server.explain(situation);
    let addr = server.addr();
    if addr.ip() != Ipv4Addr::LOCALHOST {
        server.fail("服务端绑定参数给出的地址 127.0.0.1，写出套接字的 local_addr()");
    }
    let socket = udp_socket().0;
    socket.connect(addr).unwrap();
    (server, socket)
}

/// 启动向 `addr` 查询的客户端，等它显示提示符；`situation` 说明测试做什么。
#[track_caller]
fn start_client(addr: SocketAddr, situation: &str) -> Program {
    let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
    client.explain(situation);
    client.wait_stdout(">>");
    client
}

/// 词典 `dict.txt` 中单词 `word` 的解释。
fn explanation(word: &str) -> String {
    let dict = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/dict.txt")).unwrap();
    let entry = dict.lines().find_map(|line| line.strip_prefix(&format!("{word}\t")));
    entry.expect("dict.txt 中没有这个单词").to_string()
}

#[test]
fn server_does_not_know_every_word() {
    let (mut server, socket) = start_server(
        "依次查询 banana、##（对服务端来说也只是一个单词）、hello：词典中都没有。\n\
         常见原因：没有找到时不回答；收到 ## 就结束（udp_server 是这样，这里只有客户端结束）。",
    );
    for word in ["banana", "##", "hello"] {
        server.assert_answer(&socket, word, "没有找到这个单词");
    }
}

#[test]
fn server_explains_words() {
    let (mut server, socket) = start_server(
        "依次查询 tcp、udp、ip address、socket：一个单词一个数据报，回答是它的解释，也是一个数据报。\n\
         常见原因：回答中带有单词、制表符或 \\n；按空格切分词典，丢失了由几个词组成的单词。",
    );
    for word in ["tcp", "udp", "ip address", "socket"] {
        server.assert_answer(&socket, word, &explanation(word));
    }
}

#[test]
fn server_ignores_case_and_surrounding_spaces() {
    let (mut server, socket) = start_server(
        "单词中有大写字母，前后有空格、制表符或换行：照样查到。\n\
         常见原因：没有用 trim 去掉前后的空白；没有转换为小写再比较。",
    );
    for (word, entry) in [
        ("TCP", "tcp"),
        ("  Udp ", "udp"),
        ("socket\n", "socket"),
        ("\tIP Address\r\n", "ip address"),
    ] {
        server.assert_answer(&socket, word, &explanation(entry));
    }
}

#[test]
fn client_asks_and_prints() {
    let (socket, addr) = udp_socket();
    let mut client = start_client(
        addr,
        "测试扮演服务端：客户端查询两个单词，原样打印两个回答（第二个前后有空白），然后用户输入 ##。\n\
         常见原因：显示 >> 之后没有 flush；单词后面多了 \\n；回答没有占一行，或者去掉了空白；## 也发给了服务端。",
    );
    for (word, answer) in [("tcp", "回答一"), ("no such word", "  回答 二\t")] {
        client.type_line(word);
        let (data, from) = client.recv_from(&socket);
        if data != word.as_bytes() {
            let data = String::from_utf8_lossy(&data).into_owned();
            client.fail(&format!("客户端发来 {word:?}；实际：{data:?}"));
        }
        socket.send_to(answer.as_bytes(), from).unwrap();
        client.wait_stdout(&format!("{answer}\n>>"));
    }
    client.type_line("##");
    client.assert_exit(0);
    client.assert_stdout(">>回答一\n>>  回答 二\t\n>>");
    socket.set_nonblocking(true).unwrap(); // 客户端已经结束，发出的都已到达
    if socket.recv(&mut [0; 100]).is_ok() {
        client.fail("客户端结束时不再发送；实际又发来一个数据报");
    }
}

#[test]
fn together_client_and_server() {
    let (mut server, socket) = start_server(
        "两个客户端轮流向服务端查询，先后用 ## 结束；服务端继续运行。\n\
         先看别的测试：它们分别检查服务端和客户端，失败时说明原因。",
    );
    let addr = socket.peer_addr().unwrap();
    let situation = "服务端和两个客户端都是你的程序，这是其中一个客户端。\n\
                     先看别的测试：它们分别检查服务端和客户端，失败时说明原因。";
    let mut clients = [start_client(addr, situation), start_client(addr, situation)];
    for word in ["tcp", "Three-Way Handshake"] {
        for client in &mut clients {
            client.type_line(word);
            client.wait_stdout(&format!("{}\n>>", explanation(&word.to_lowercase())));
        }
    }
    for client in &mut clients {
        client.type_line("##");
        client.assert_exit(0);
    }
    server.assert_answer(&socket, "udp", &explanation("udp"));
}
