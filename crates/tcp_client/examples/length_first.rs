//! 长度在前：每条消息先发 4 字节的长度，再发内容；内容可以是任何字节（讲义：`docs/2.3.4-boundaries.md`）。
//!
//! 终端 1：`cargo run -p tcp_client --example length_first -- server`；
//! 终端 2：`cargo run -p tcp_client --example length_first -- client`，在 `>>` 后输入，Ctrl-D 结束。

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

const SERVER_ADDR: &str = "0.0.0.0:5555"; // 0.0.0.0：本机的所有网卡
const ADDR: &str = "127.0.0.1:5555";
const MAX_LENGTH: usize = 1024; // 一条消息最多的字节数

fn main() -> Result<(), Box<dyn Error>> {
    let addr = env::args().nth(2);
    match env::args().nth(1).as_deref() {
        Some("server") => server(&addr.unwrap_or(SERVER_ADDR.to_string())),
        Some("client") => client(&addr.unwrap_or(ADDR.to_string())),
        _ => Err("第一个参数是 server 或 client".into()),
    }
}

fn server(addr: &str) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(addr).map_err(|e| format!("无法绑定 {addr}：{e}"))?;
    eprintln!("服务端已启动：{}", listener.local_addr()?);
    loop {
        let (mut conn, _) = listener.accept()?;
        loop {
            match receive(&mut conn) {
                Ok(Some(msg)) => {
                    println!("收到 {} 字节：{}", msg.len(), String::from_utf8_lossy(&msg));
                }
                Ok(None) => break println!("客户端已离开"),
                Err(e) => break println!("放弃这个客户端：{e}"),
            }
        }
    }
}

fn client(addr: &str) -> Result<(), Box<dyn Error>> {
    let mut conn = TcpStream::connect(addr).map_err(|e| format!("无法连接 {addr}：{e}"))?;
    loop {
        print!(">>");
        io::stdout().flush()?;
        let Some(line) = io::stdin().lines().next() else { return Ok(()) };
        send(&mut conn, line?.as_bytes())?;
    }
}

/// 发送一条消息：长度，高位字节在前；然后是内容。合在一起，一次写完。
fn send(conn: &mut TcpStream, msg: &[u8]) -> io::Result<()> {
    let length = msg.len() as u32;
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend(msg);
    conn.write_all(&bytes)
}

/// 接收一条消息；对方在两条之间离开时，返回 `None`。
fn receive(conn: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if conn.read(&mut length[..1])? == 0 {
        return Ok(None); // 一个字节也没有：对方发完了
    }
    conn.read_exact(&mut length[1..])?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_LENGTH {
        return Err(io::Error::other(format!("长度 {length} 超过 {MAX_LENGTH}")));
    }
    let mut msg = vec![0; length];
    conn.read_exact(&mut msg)?; // 读满 length 个字节，不管分几次到达
    Ok(Some(msg))
}
