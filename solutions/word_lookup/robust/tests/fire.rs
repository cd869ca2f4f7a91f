//! 网络单词查询的故障测试：任意的数据报，任意的回答，不要回答的来源。失败时写出种子，可以重放。
#![cfg(unix)]

use std::net::{SocketAddr, UdpSocket};
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use testkit::fire::rounds;
use testkit::rule;

const DICT: &str = include_str!("../dict.txt");

const WORDS: [&[u8]; 5] = [b"tcp", b" IP Address\r\n", b"banana", "网络".as_bytes(), b"tcp/ip"];

/// 对数据报 `bytes`，服务端应有的回答。
fn explain(bytes: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(bytes);
    let mut entries = DICT.lines().filter_map(|line| line.split_once('\t'));
    let found = entries.find(|(word, _)| word.eq_ignore_ascii_case(text.trim()));
    found.map_or("没有找到这个单词", |(_, explanation)| explanation)
}

#[test]
fn bad_clients() {
    rounds(|random| {
        let rule = rule("不论收到什么数据报，每一个都得到正确的回答；有的不等回答就离开。");
        let server = rule.server(cargo_bin!(), &["server"]);
        for _ in 0..10 {
            // 离开的也留到最后：它们的端口不会给别的客户端，回答也就不会
            let mut clients = Vec::new();
            for _ in 0..10 {
                let (client, bytes) = (server.udp(), random.mangle(&WORDS));
                client.send(&bytes);
                let leaves = random.below(3) == 0;
                if leaves {
                    client.leave();
                }
                clients.push((client, bytes, leaves));
            }
            for (client, bytes, _) in clients.iter().filter(|(.., leaves)| !leaves) {
                client.expect(explain(bytes));
            }
        }
        server.expect_running();
    });
}

#[test]
fn bad_servers() {
    rounds(|random| {
        let rule = rule("别人的、迟到的数据报不打印；服务端的回答不论是什么，照样打印。");
        let server = rule.udp_server("127.0.0.1:0");
        let client = rule.client(cargo_bin!(), &["client"], server.addr());
        server.serves(&client);
        client.expect_stdout(">>");
        let stranger = client.udp_stranger();
        let mut old: Vec<(SocketAddr, Option<UdpSocket>)> = Vec::new();
        for _ in 0..20 {
            client.type_line("tcp");
            let mut addr = server.expect("tcp");
            for _ in 0..random.below(10) {
                let bytes = random.mangle(&WORDS);
                match random.below(2) {
                    0 => stranger.send_to(bytes, addr),
                    _ if old.is_empty() => {}
                    _ => server.send_to(bytes, old[random.below(old.len())].0),
                }
            }
            if random.below(60) == 0 {
                addr = server.expect("tcp"); // 丢失了一次
            }
            let bytes = random.mangle(&WORDS);
            server.send_to(&bytes, addr);
            client.expect_stdout(&format!("{}\n>>", String::from_utf8_lossy(&bytes)));
            old.push((addr, UdpSocket::bind(addr).ok())); // 占住旧的端口
        }
        client.expect_running();
    });
}

/// 从端口 0 向 127.0.0.1 的端口 ARGV[0] 发一个数据报；没有权限则退出状态为 2。
const PORT_ZERO: &str = "
use Socket;
socket(S, PF_INET, SOCK_RAW, 17) or exit 2;
send(S, pack('n4', 0, $ARGV[0], 11, 0) . 'tcp', 0, sockaddr_in(0, INADDR_LOOPBACK)) or die $!;
";

#[test]
fn source_port_zero() {
    let rule = rule("来源的端口是 0（RFC 768：不要回答）：回答发不出去，服务端说明，继续运行。");
    let server = rule.server(cargo_bin!(), &["server"]);
    let port = server.addr().port().to_string();
    let status = Command::new("perl").args(["-e", PORT_ZERO, &port]).status();
    if status.as_ref().is_ok_and(|status| status.code() == Some(2)) {
        println!("跳过：没有权限发送自己写首部的数据报（需要 root）");
        return;
    }
    assert!(status.expect("故障测试需要 perl").success());
    server.expect_stderr_lines(2); // 地址，无法回答
    let client = server.udp();
    client.send("tcp");
    client.expect(explain(b"tcp"));
    server.expect_running();
}
