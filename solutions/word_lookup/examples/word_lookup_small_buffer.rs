//! 典型错误：接收缓冲区只有 256 字节。
//!
//! - 想法：单词都很短，课程的程序用 256 字节，这里也够了。
//! - 结果：数据报超出缓冲区的部分丢失而没有提示：“tcp、许多空格、x”只剩下“tcp”，答非所问。
//!
//! 拒绝它的测试：`robust` 的 `longest_word`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_small_buffer -- server`

use std::collections::HashMap;
use std::env;
use std::io;
use std::net::UdpSocket;

const DICT: &str = include_str!("../dict.txt");

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let udp_socket = UdpSocket::bind(addr)?;
    eprintln!("单词服务端已启动：{}", udp_socket.local_addr()?);
    let dict: HashMap<&str, &str> = DICT.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut buffer = [0; 256];
    loop {
        let Ok((n, client)) = udp_socket.recv_from(&mut buffer) else { continue };
        let word = String::from_utf8_lossy(&buffer[..n]).trim().to_lowercase();
        let explanation = dict.get(word.as_str()).unwrap_or(&"没有找到这个单词");
        let _ = udp_socket.send_to(explanation.as_bytes(), client);
    }
}
