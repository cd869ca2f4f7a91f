//! 网络单词查询的客户端。

use std::error::Error;
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// 接收缓冲区的字节数：放得下任何一个 UDP 数据报，超出的部分会丢失。
const BUFFER_SIZE: usize = 65_535;

/// 每次发送之后等待回答的时间。
const TIMEOUT: Duration = Duration::from_secs(1);

/// 一个单词最多发送的次数。
const TRIES: u32 = 3;

/// 向 `addr` 的服务端查询用户输入的单词，打印解释，直到用户退出；无法继续时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    loop {
        // 1. Ctrl-D 与 ## 一样：退出，不发送
        let word = input(">>")?.unwrap_or("##".to_string());
        if word == "##" {
            return Ok(());
        }
        // 4. 数据报中没有 \n，println! 使回答占一行；一个单词查不到，不妨碍查下一个，这里不用 ?
        match look_up(addr, &word) {
            Ok(answer) => println!("{answer}"),
            Err(e) => eprintln!("无法查询 {addr}：{e}"),
        }
    }
}

/// 向 `addr` 查询 `word`，返回回答；无法发送，或者发送 [`TRIES`] 次都没有回答时，返回错误。
fn look_up(addr: SocketAddr, word: &str) -> io::Result<String> {
    // 2. 端口 0：由系统选择一个空闲端口；服务端的回答就发到这里。每个单词用新的套接字，
    //    前一个单词迟到的回答到达旧的端口，不会当作这一个的；地址族要与 addr 相同
    let any_addr = if addr.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let udp_socket = UdpSocket::bind(any_addr)?;
    udp_socket.connect(addr)?; // UDP 没有连接：只是约定对方，别人发来的数据报由系统丢弃
    udp_socket.set_read_timeout(Some(TIMEOUT / 10))?;
    let mut buffer = [0; BUFFER_SIZE];
    // 数据报可能丢失，没有任何通知：限时等待，再发
    for _ in 0..TRIES {
        let start = Instant::now();
        udp_socket.send(word.as_bytes())?;
        // 3. 数据报有边界，一次接收就是整个回答。recv 出错可能是等到了时限，也可能是系统报告
        //    “连接被拒绝”，立即就返回：都要等满 1 秒，服务端也许正在启动
        while start.elapsed() < TIMEOUT {
            if let Ok(n) = udp_socket.recv(&mut buffer) {
                return Ok(String::from_utf8_lossy(&buffer[..n]).to_string());
            }
        }
    }
    Err(io::Error::other(format!("没有回答（已发送 {TRIES} 次）")))
}

/// 显示提示符并读入一行，返回值不含换行；输入结束（Ctrl-D）时返回 `None`。
fn input(prompt: &str) -> io::Result<Option<String>> {
    print!("{prompt}");
    io::stdout().flush()?; // 没有换行的输出留在缓冲区里，需要主动送出
    io::stdin().lines().next().transpose()
}
