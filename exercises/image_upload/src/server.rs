//! 图片上传的服务端。

use std::error::Error;
use std::net::SocketAddr;

/// 图片保存在工作目录，用这个文件名。
const PICTURE: &str = "new.jpg";

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 监听 addr；在标准错误上写一行，以实际监听的地址结尾
    // 2. 循环接受连接，一个接一个地服务
    // 3. 把连接上的字节写入 PICTURE，直到客户端关闭写方向；记下字节数
    // 4. 打印“收到 … 字节，已保存为 new.jpg”；把字节数和 \n 发给客户端
    todo!("第 1 步：监听 {addr}；图片保存为 {PICTURE}")
}
