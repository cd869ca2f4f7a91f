//! 问答机器人的客户端。

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// 回答最多的字节数，含 `\n`；限制长度，对方一直发送也不会占满内存。
const MAX_ANSWER: u64 = 65_536;

/// 连接 `addr` 的服务端，把用户输入的问题发过去，打印回答；无法连接、服务端离开时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut stream =
        TcpStream::connect(addr).map_err(|e| format!("无法连接 {addr}：{e}。请先启动服务端"))?;
    // 1. 一个 BufReader 用到底：它可能已经多读了后面的字节，每次新建会丢失它们
    let mut answers = BufReader::new(stream.try_clone()?);
    loop {
        // 2. Ctrl-D 与 ## 一样：退出，不发送
        let question = input(">>")?.unwrap_or("##".to_string());
        match question.as_str() {
            "##" => return Ok(()),
            "" => continue,
            _ => {}
        }
        // 3. \n 告诉服务端：一个问题到此为止
        let line = format!("{question}\n");
        stream.write_all(line.as_bytes()).map_err(|e| format!("无法发送到 {addr}：{e}"))?;
        // 4. 回答不一定一次到齐：读到 \n 才完整
        let mut answer = Vec::new();
        let mut limited = answers.by_ref().take(MAX_ANSWER);
        limited.read_until(b'\n', &mut answer).map_err(|e| format!("无法从 {addr} 接收：{e}"))?;
        if !answer.ends_with(b"\n") {
            return Err(format!("服务端 {addr} 已断开连接，或者回答过长").into());
        }
        // 5. 回答自带 \n，正好占一行
        print!("{}", String::from_utf8_lossy(&answer));
    }
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
