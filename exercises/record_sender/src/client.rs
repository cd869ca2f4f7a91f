//! 记录上传的客户端。

use std::error::Error;
use std::net::SocketAddr;

/// 课程的数据：姓名、年龄、身高。
const RECORDS: [&str; 3] = ["张三  18   177", "李四  19   180", "王五  120  183"];

/// 把 `RECORDS` 发给 `addr` 的服务端，打印它保存的条数；没有得到正确的回答时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 连接服务端
    // 2. 发送每条记录，后面加 \n；最后发送 #，后面也加 \n
    // 3. 读回答，直到 \n
    // 4. 打印“服务端已保存 {n} 条记录”，n 是回答的条数
    todo!("第 1 步：连接 {addr}，发送 {RECORDS:?}")
}
