public import DeviceMemory

/// What an input may find: something that must not be, in a sentence.
public struct Finding: Error, CustomStringConvertible, Equatable {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// What a fuzzer can aim at. Each target takes any bytes, does with the stack what they say, and throws when something is so
/// that must not be; a trap, a hang and memory errors are the fuzzer's to see.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// Frames into a stack: any bytes, and segments near the truth, laid out and vouched for as the input says.
    case frames
    /// Operations of peer, application and time on one connection, beside a model of what must come of them.
    case operations
    /// Two stacks and the lines between them: the input is a scenario of the simulation, whose rules are what is looked at.
    case pair
    /// What a device may write back into descriptors, against receive queues of every format.
    case descriptors

    /// Runs one input.
    ///
    /// - Throws: a ``Finding``.
    public func run(_ bytes: ByteView) throws(Finding) {
        var input = FuzzInput(bytes)
        switch self {
        case .frames: try FrameTarget.run(&input)
        case .operations: try OperationTarget.run(&input)
        case .pair: try PairTarget.run(&input)
        case .descriptors: try DescriptorTarget.run(&input)
        }
    }
}
