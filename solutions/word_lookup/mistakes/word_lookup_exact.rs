//! 典型错误：收到什么就拿什么去查词典。
//!
//! - 想法：客户端发来的就是单词，直接作为 `HashMap` 的键。
//! - 结果：“TCP”、“ tcp ”、`nc` 发来的“tcp\n”都查不到；网络另一端的输入，要先整理再使用。
//!
//! 拒绝它的测试：`basic` 的 `server_ignores_case_and_surrounding_spaces`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_exact -- server`

use std::collections::HashMap;
use std::env;
use std::io;
use std::net::UdpSocket;

const DICT: &str = include_str!("../dict.txt");

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let dict: HashMap<&str, &str> = DICT.lines().filter_map(|line| line.split_once('\t')).collect();
    let udp_socket = UdpSocket::bind(addr)?;
    eprintln!("单词服务端已启动：{}", udp_socket.local_addr()?);
    let mut buffer = vec![0; 65_535];
    loop {
        let Ok((n, client)) = udp_socket.recv_from(&mut buffer) else { continue };
        let word = String::from_utf8_lossy(&buffer[..n]);
        let explanation = dict.get(word.as_ref()).unwrap_or(&"没有找到这个单词");
        let _ = udp_socket.send_to(explanation.as_bytes(), client);
    }
}
