//! 两关共用的：词典，启动服务端和客户端。

use assert_cmd::cargo::cargo_bin;
use testkit::{Program, Rule, UdpPeer};

pub const DICT: &str = include_str!("../../dict.txt");
pub const UNKNOWN: &str = "没有找到这个单词";
pub const ADDR: &str = "127.0.0.1:0";

#[track_caller]
pub fn server(rule: &Rule) -> Program {
    rule.server(cargo_bin!(), &["server"])
}

/// 启动客户端，等它显示提示符；返回它和测试扮演的服务端，后者绑定 `addr`。
#[track_caller]
pub fn client(rule: &Rule, addr: &str) -> (Program, UdpPeer) {
    let server = rule.udp_server(addr);
    let client = rule.client(cargo_bin!(), &["client"], server.addr());
    server.serves(&client);
    client.expect_stdout(">>");
    (client, server)
}

/// 词典中 `word` 的解释。
pub fn explanation(word: &str) -> &'static str {
    let entry = DICT.lines().find_map(|line| line.strip_prefix(&format!("{word}\t")));
    entry.expect("dict.txt 中有这个单词")
}
