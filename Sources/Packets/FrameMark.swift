/// What an impairment asks of the NIC model that receives a frame: to claim a checksum verdict whatever the frame holds.
///
/// A mark never changes the frame's bytes; real devices and wires without a model ignore it.
@frozen public enum FrameMark: UInt8, BitwiseCopyable, Sendable, Hashable {
    /// The model says what it finds.
    case none = 0
    /// The model claims that it checked and found good checksums.
    case claimGood
    /// The model claims that it checked and found a bad checksum.
    case claimBad
    /// The model claims that it checked nothing.
    case claimNothing
}
