//! 网络单词查询的客户端。

use std::error::Error;
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};

/// 接收缓冲区的字节数。
const BUFFER_SIZE: usize = 256;

/// 向 `addr` 的服务端查询用户输入的单词，打印解释，直到用户退出；无法继续时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    loop {
        // 1. Ctrl-D 与 ## 一样：退出，不发送
        let word = input(">>")?.unwrap_or("##".to_string());
        if word == "##" {
            return Ok(());
        }
        // 4. 数据报中没有 \n，println! 使回答占一行
        println!("{}", look_up(addr, &word)?);
    }
}

/// 向 `addr` 查询 `word`，返回回答。
fn look_up(addr: SocketAddr, word: &str) -> io::Result<String> {
    // 2. 端口 0：由系统选择一个空闲端口；服务端的回答就发到这里
    let udp_socket = UdpSocket::bind("0.0.0.0:0")?;
    udp_socket.send_to(word.as_bytes(), addr)?;
    // 3. 数据报有边界，一次接收就是整个回答
    let mut buffer = [0; BUFFER_SIZE];
    let (n, _) = udp_socket.recv_from(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..n]).to_string())
}

/// 显示提示符并读入一行，返回值不含换行；输入结束（Ctrl-D）时返回 `None`。
fn input(prompt: &str) -> io::Result<Option<String>> {
    print!("{prompt}");
    io::stdout().flush()?; // 没有换行的输出留在缓冲区里，需要主动送出
    io::stdin().lines().next().transpose()
}
