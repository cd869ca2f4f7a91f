//! 问答机器人的客户端。
//!
//! 第一关的答案，通过 `basic` 的全部测试；真实的网络会使它出错，`robust` 中它通不过：
//! `empty_line_prompts_again`、`answer_over_65536_bytes_is_an_error`、
//! `server_that_goes_away`、`half_an_answer_is_an_error`、`no_server`。

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

/// 连接 `addr` 的服务端，把用户输入的问题发过去，打印回答；无法连接、服务端离开时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 读经过 BufReader，写用 tcp_socket：&TcpStream 也能读写
    let mut tcp_socket = &TcpStream::connect(addr)?;
    let mut reader = BufReader::new(tcp_socket);
    loop {
        // 2. Ctrl-D 与 ## 一样：退出，不发送
        let msg = input(">>")?.unwrap_or("##".to_string());
        if msg == "##" {
            return Ok(());
        }
        // 3. \n 告诉服务端：一个问题到此为止
        tcp_socket.write_all(format!("{msg}\n").as_bytes())?;
        // 4. 回答不一定一次到齐：读到 \n 才完整
        let mut data = Vec::new();
        reader.read_until(b'\n', &mut data)?;
        // 5. 回答自带 \n，正好占一行
        print!("{}", String::from_utf8_lossy(&data));
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
