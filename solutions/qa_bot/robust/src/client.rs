//! 问答机器人的客户端。

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// 一个回答最多的字节数，含 `\n`：没有 `\n` 的回答也不会占满内存。
const MAX_ANSWER: u64 = 64 * 1024;

/// 连接 `addr` 的服务端，把用户输入的问题发过去，打印回答；无法连接、服务端离开时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 读经过 BufReader，写用 tcp_socket：&TcpStream 也能读写；系统的错误中没有地址，要补上
    let mut tcp_socket =
        &TcpStream::connect(addr).map_err(|e| format!("无法连接 {addr}：{e}。请先启动服务端"))?;
    let mut reader = BufReader::new(tcp_socket);
    loop {
        // 2. Ctrl-D 与 ## 一样：退出，不发送
        let msg = input(">>")?.unwrap_or("##".to_string());
        if msg == "##" {
            return Ok(());
        }
        // 空行不是问题：再次提示
        if msg.is_empty() {
            continue;
        }
        // 3. \n 告诉服务端：一个问题到此为止
        let question = format!("{msg}\n");
        tcp_socket.write_all(question.as_bytes()).map_err(|e| format!("无法发送到 {addr}：{e}"))?;
        // 4. 回答不一定一次到齐：读到 \n 才完整；没有 \n 的，是服务端发到一半就离开了
        let mut data = Vec::new();
        let read = reader.by_ref().take(MAX_ANSWER).read_until(b'\n', &mut data);
        read.map_err(|e| format!("无法从 {addr} 接收：{e}"))?;
        if !data.ends_with(b"\n") {
            let problem =
                if data.len() as u64 == MAX_ANSWER { "回答过长" } else { "已断开连接" };
            return Err(format!("服务端 {addr} {problem}").into());
        }
        // 5. 回答自带 \n，正好占一行
        print!("{}", String::from_utf8_lossy(&data));
    }
}

/// 显示提示符并读入一行，返回值不含换行；输入结束（Ctrl-D）时返回 `None`。
fn input(prompt: &str) -> io::Result<Option<String>> {
    print!("{prompt}");
    io::stdout().flush()?; // 没有换行的输出留在缓冲区里，需要主动送出
    io::stdin().lines().next().transpose()
}
