//! 网络单词查询的客户端。

use std::error::Error;
use std::io::{self, BufRead, ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// 一个单词最多发送的次数。
const TRIES: u32 = 3;

/// 每次发送之后等待回答的时间。
const TIMEOUT: Duration = Duration::from_secs(1);

/// 接收缓冲区的字节数：放得下任何一个 UDP 数据报。
const BUFFER_SIZE: usize = 65_535;

/// 向 `addr` 的服务端查询用户输入的单词，打印解释，直到用户退出；无法读取标准输入时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    loop {
        // 1. Ctrl-D 与 ## 一样：退出，不发送
        let line = input(">>")?.unwrap_or("##".to_string());
        let word = match line.trim() {
            "##" => return Ok(()),
            "" => continue,
            word => word,
        };
        // 5. 一个单词查不到，不妨碍查下一个：这里不用 ?
        match look_up(addr, word) {
            Ok(Some(answer)) => println!("{}", String::from_utf8_lossy(&answer)),
            Ok(None) => eprintln!("{addr} 没有回答（已发送 {TRIES} 次）"),
            Err(e) => eprintln!("无法查询 {addr}：{e}"),
        }
    }
}

/// 向 `addr` 查询 `word`，返回收到的回答；发送 [`TRIES`] 次都没有回答时返回 `None`，无法发送时返回错误。
fn look_up(addr: SocketAddr, word: &str) -> io::Result<Option<Vec<u8>>> {
    // 2. 新的套接字有新的端口：上一个单词迟到的、重复的回答还是去旧的端口，不会当作这一个的
    let any_addr: IpAddr =
        if addr.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let udp_socket = UdpSocket::bind((any_addr, 0))?;
    udp_socket.connect(addr)?; // UDP 没有连接：只是约定对方，别人发来的数据报由系统丢弃
    let mut buffer = vec![0; BUFFER_SIZE];
    for _ in 0..TRIES {
        let start = Instant::now();
        // 3. 上一次发送被对方的系统拒绝，可能到这时才报告：只当作又丢失一次
        match udp_socket.send(word.as_bytes()) {
            Err(e) if e.kind() != ErrorKind::ConnectionRefused => return Err(e),
            _ => {}
        }
        // 4. 丢失的数据报不会有任何通知，只能限时等待；被拒绝时 recv 立即出错，余下的时间照样等，
        //    服务端也许正在启动
        while let Some(rest) = TIMEOUT.checked_sub(start.elapsed()).filter(|rest| !rest.is_zero()) {
            udp_socket.set_read_timeout(Some(rest))?;
            if let Ok(n) = udp_socket.recv(&mut buffer) {
                buffer.truncate(n);
                return Ok(Some(buffer));
            }
        }
    }
    Ok(None)
}

/// 显示提示符并读入一行，返回值不含换行；输入结束（Ctrl-D）时返回 `None`。
fn input(prompt: &str) -> Result<Option<String>, String> {
    print!("{prompt}");
    let _ = io::stdout().flush(); // 没有换行的输出留在缓冲区里，需要主动送出
    let mut line = Vec::new();
    let mut stdin = io::stdin().lock();
    stdin.read_until(b'\n', &mut line).map_err(|e| format!("无法读取标准输入：{e}"))?;
    // 退格只删去半个汉字时，读到的不是 UTF-8：无效的字节成为 �
    Ok(String::from_utf8_lossy(&line).lines().next().map(String::from))
}
