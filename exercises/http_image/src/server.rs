//! 图片网页的服务端。

use std::error::Error;
use std::net::SocketAddr;

/// 图片的全部字节，编译时从文件嵌入程序。
const IMAGE: &[u8] = include_bytes!("../image.jpg");

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 监听 addr；在标准错误上写一行，以实际监听的地址结尾；再写一行，给出浏览器能打开的网址
    // 2. 循环接受连接，每个连接交给一个新线程：什么也不发的备用连接不影响别的连接
    // 3. 在线程中接收请求，像 http_demo 那样读一次
    // 4. 取出请求行中的路径，按路径选出内容：/ 是网页，/image.jpg 是 IMAGE，别的路径是 404
    // 5. 发送响应：响应行、响应头、空行、响应体，行尾都是 \r\n
    todo!("第 1 步：监听 {addr}；用到 {} 字节的图片", IMAGE.len())
}
