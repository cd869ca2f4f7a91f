//! 图片上传的客户端。

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;

/// 把文件 `file` 上传到 `addr` 的服务端；服务端收到的字节数与发送的不同时返回错误。
pub fn run(file: &Path, addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 文件没有问题，才连接服务端
    let mut picture = File::open(file)?;
    // 2. 连接服务端
    let mut tcp_socket = TcpStream::connect(addr)?;
    // 3. io::copy 一段一段地读和发，直到文件结尾；n 是发送的字节数
    let n = io::copy(&mut picture, &mut tcp_socket)?;
    // 4. 只关闭写方向：服务端读到结尾才会回答，而回答还要从这个连接读
    tcp_socket.shutdown(Shutdown::Write)?;
    // 5. 回答不一定一次到齐：读到 \n 才完整
    let mut answer = String::new();
    BufReader::new(tcp_socket).read_line(&mut answer)?;
    // 6. 发送成功只说明字节交给了系统；服务端的字节数相同，才是真的收到
    if answer != format!("{n}\n") {
        return Err(format!("发送了 {n} 字节，服务端 {addr} 的回答却是 {answer:?}").into());
    }
    println!("上传成功：{n} 字节");
    Ok(())
}
