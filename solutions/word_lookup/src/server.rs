//! 网络单词查询的服务端。

use std::collections::HashMap;
use std::error::Error;
use std::net::{SocketAddr, UdpSocket};

/// 词典，一行一个单词：小写的单词、制表符、解释；编译时从 `dict.txt` 嵌入程序。
const DICT: &str = include_str!("../dict.txt");

/// 词典中没有这个单词时的回答。
const UNKNOWN: &str = "没有找到这个单词";

/// 接收缓冲区的字节数。
const BUFFER_SIZE: usize = 256;

/// 在 `addr` 上启动服务端，一直运行；无法绑定时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr，不是 addr
    let udp_socket = UdpSocket::bind(addr)?;
    eprintln!("单词服务端已启动：{}", udp_socket.local_addr()?);
    let dict: HashMap<&str, &str> = DICT.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut buffer = [0; BUFFER_SIZE];
    loop {
        // 2. UDP 没有连接，一个套接字服务所有的客户端
        let (n, client) = udp_socket.recv_from(&mut buffer)?;
        // 3. 空白可能是用户多打的空格，也可能是 nc 带上的换行；词典中的单词都是小写
        let word = String::from_utf8_lossy(&buffer[..n]).trim().to_lowercase();
        let explanation = dict.get(word.as_str()).unwrap_or(&UNKNOWN);
        // 4. 数据报有边界，解释后面不必加 \n
        udp_socket.send_to(explanation.as_bytes(), client)?;
    }
}
