internal import DeviceMemory
internal import NICRegisters
internal import Timeline

extension Intel8257xPort {
    /// Reads one word of the NVM through EERD. A word beyond the NVM never reports DONE on QEMU: the wait is bounded.
    func readNVM(_ word: UInt32, wait: (Interval) -> Void) throws(DriverError) -> UInt16 {
        registers.write(Intel8257x.eerd, .init().setting(.address, word).setting(.start))
        var answer = Intel8257x.EEPROMRead()
        try poll(.milliseconds(50), step: .microseconds(10), wait: wait, orElse: .nvmNotRead) {
            answer = registers.read(Intel8257x.eerd)
            return answer[.done]
        }
        return UInt16(truncatingIfNeeded: answer[.data])
    }

    /// Checks the sum of the words that hold the station address and the part's own set-up.
    func checkNVM(wait: (Interval) -> Void) throws(DriverError) {
        var sum: UInt16 = 0
        for word in 0..<UInt32(Intel8257x.nvmChecksumWords) { sum &+= try readNVM(word, wait: wait) }
        guard sum == Intel8257x.nvmChecksum else { throw .nvmDamaged(sum: sum) }
    }
}
