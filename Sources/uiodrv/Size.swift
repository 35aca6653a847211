import ArgumentParser

/// A size in bytes with a binary suffix: 4096, 4K, 16M, 1G.
struct Size: ExpressibleByArgument {
    let bytes: UInt64

    init?(argument: String) {
        var digits = Substring(argument)
        var shift: UInt64 = 0
        switch argument.last {
        case "K", "k": shift = 10
        case "M", "m": shift = 20
        case "G", "g": shift = 30
        default: break
        }
        if shift != 0 { digits = digits.dropLast() }
        guard let value = UInt64(digits), value <= UInt64.max >> shift else { return nil }
        bytes = value << shift
    }

    init(_ bytes: UInt64) { self.bytes = bytes }

    var defaultValueDescription: String {
        for (shift, suffix) in [(UInt64(30), "G"), (20, "M"), (10, "K")] where bytes != 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(suffix)"
        }
        return "\(bytes)"
    }
}
