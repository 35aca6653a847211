import ClientKit
import DeviceMemory
import Testing

@Suite struct ChannelTests {
    @Test("a record is 32 bytes, a range 16, a command 24, a control message 64 (U.05, S4.03)")
    func sizes() {
        #expect(MemoryLayout<FragmentRecord>.size == 32 && MemoryLayout<FragmentRecord>.stride == 32)
        #expect(MemoryLayout<TokenRange>.stride == 16 && MemoryLayout<ApplicationCommand>.stride == 24)
        #expect(MemoryLayout<ControlMessage>.size == ControlMessage.bytes)
    }
}
