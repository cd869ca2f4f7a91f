//! 典型错误：解码失败就结束服务端。
//!
//! - 想法：单词是文字，`String::from_utf8` 不会失败；万一失败，用 `?` 返回错误。
//! - 结果：任何人发来一个不是 UTF-8 的数据报，服务端就结束了，所有的客户端都得不到回答。
//!
//! 拒绝它的测试：`robust` 的 `word_that_is_not_utf8_or_empty`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_decode -- server`

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::net::UdpSocket;

const DICT: &str = include_str!("../dict.txt");

fn main() -> Result<(), Box<dyn Error>> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let udp_socket = UdpSocket::bind(addr)?;
    eprintln!("单词服务端已启动：{}", udp_socket.local_addr()?);
    let dict: HashMap<&str, &str> = DICT.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut buffer = vec![0; 65_535];
    loop {
        let Ok((n, client)) = udp_socket.recv_from(&mut buffer) else { continue };
        let word = String::from_utf8(buffer[..n].to_vec())?;
        let word = word.trim().to_lowercase();
        let explanation = dict.get(word.as_str()).unwrap_or(&"没有找到这个单词");
        let _ = udp_socket.send_to(explanation.as_bytes(), client);
    }
}
