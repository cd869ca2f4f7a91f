//! 图片上传的服务端。

use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};

/// 图片保存在工作目录，用这个文件名。
const PICTURE: &str = "new.jpg";

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr，不是 addr
    let tcp_socket = TcpListener::bind(addr)?;
    eprintln!("图片服务端已启动：{}", tcp_socket.local_addr()?);
    loop {
        // 2. 服务完一个客户端，再服务下一个
        serve(&tcp_socket)?;
    }
}

/// 接受一个客户端，保存它的图片，回答字节数。
fn serve(tcp_socket: &TcpListener) -> io::Result<()> {
    let (mut conn, _) = tcp_socket.accept()?;
    // 3. 一次 read 只是已经到达的一段；io::copy 读到 0 字节为止，那才是客户端关闭了写方向
    let n = io::copy(&mut conn, &mut File::create(PICTURE)?)?;
    // 4. 保存好了才回答：客户端得到字节数，图片就一定已经保存
    println!("收到 {n} 字节，已保存为 {PICTURE}");
    conn.write_all(format!("{n}\n").as_bytes())
}
