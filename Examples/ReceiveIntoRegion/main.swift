// Receives one TCP connection from TAP interface tap0 (10.0.0.1:5001) into a device region, with the library alone:
//   ip tuntap add tap0 mode tap && ip addr add 10.0.0.254/24 dev tap0 && ip link set tap0 up
//   swift run example-receive & sleep 1; nc -N 10.0.0.1 5001 < some-file
import ClientKit
import DeviceMemory
import Engine
import Logging
import Packets
import SoftNIC
import TCPLite
import Timeline
import VFIODriver
import Wire

let region = try DeviceRegion(size: 16 << 20, slotSize: 4096, visibility: .flushRead)
let nic = SoftNIC(configuration: SoftNICConfiguration(preset: .strict, macAddress: [2, 0, 0, 0, 0, 1]))
let device = SoftPCIDevice(nic)
let shared = HeapBytes(count: ApplicationChannel.bytes)
let interface = InterfaceConfiguration(
    mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24)
var engine = try Engine<I82576Driver<SoftPCIDevice>>(
    device: device, configuration: EngineConfiguration(stack: Configuration(interface: interface)), region: region,
    flushWindow: device.flushWindow, channel: ApplicationChannel(shared.bytes), log: Logger(label: "example")
) { _ = nic.step(now: nic.now + $0) }
try engine.stack.listen(port: 5001)
var application = ApplicationClient(ApplicationChannel(shared.bytes))
var cable = NICCable(nic, try TapWire(name: "tap0"))
var (bytes, ended) = (0, false)
while !ended {
    try cable.step()
    _ = engine.poll(now: nic.now)
    while let record = application.next() {
        bytes += record.kind == .device || record.kind == .linear ? Int(record.length) : 0
        if record.kind == .device { _ = application.giveBack(record.token) }
        if record.kind == .linear { application.consumeLinear(record) }
        ended = ended || record.kind == .endOfStream
    }
    application.flush()
}
print("\(bytes) bytes, slots by holder: \(engine.report().ledger)")
