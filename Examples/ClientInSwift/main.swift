// A client of `uiodrv serve`: receives one connection into a region of its own.
//   uiodrv serve --wire tap:tap0 --socket /tmp/uiodrv.sock &
//   swift run example-client /tmp/uiodrv.sock 5001 & sleep 1; nc -N 10.0.0.1 5001 < some-file
import ClientKit
import DeviceMemory

let path = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "/run/uiodrv.sock"
let port = CommandLine.arguments.count > 2 ? UInt16(CommandLine.arguments[2]) ?? 5001 : 5001
var session = try ClientSession(connectingTo: path)
_ = try session.attach(AttachOptions())
var client = try session.makeClient()
try session.listen(port: port, .guaranteed(slots: 128))
print("listening on port \(port)")
var (bytes, sum, ended) = (0, UInt64(0), false)
while !ended && !session.isOver {
    guard let record = client.next() else {
        client.flush()
        client.wait(nanoseconds: 100_000_000, other: session.fileDescriptor)
        try session.takeNotices()
        continue
    }
    switch record.kind {
    case .device:
        if let payload = session.payload(record) { sum &+= UInt64(payload[0]) }
        bytes += Int(record.length)
        while !client.giveBack(record.token) { client.flush() }
    case .linear:
        bytes += Int(record.length)
        client.consumeLinear(record)
    case .endOfStream, .closed: ended = true
    default: break
    }
}
client.flush()
print(
    "\(bytes) bytes; the controller has \(try session.status().slotsFree) of \(try session.status().slots) slots free")
