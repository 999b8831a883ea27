using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

/// <summary>A report's id made from what the report is about: a UUID of version 5.</summary>
public static class ReportIds
{
    private const string Namespace = "a5bbb463a9ae53a0a82ff0019fd792ca";

    public static string ReportId(string source, string subject, long observedMicros, long revision, params string[] blocks)
    {
        var sorted = string.Join("+", blocks.OrderBy(block => block, StringComparer.Ordinal));
        return Version5(source + "|" + subject + "|" + observedMicros + "|" + revision + "|" + sorted);
    }

    // By hand, because Guid keeps its first three fields in another byte order than a UUID is written in.
    private static string Version5(string name)
    {
        var space = Enumerable.Range(0, 16).Select(n => Convert.ToByte(Namespace.Substring(2 * n, 2), 16));
        byte[] id;
        using (var sha1 = SHA1.Create())
        {
            id = sha1.ComputeHash(space.Concat(Encoding.UTF8.GetBytes(name)).ToArray());
        }
        id[6] = (byte)((id[6] & 0x0f) | 0x50);
        id[8] = (byte)((id[8] & 0x3f) | 0x80);
        var hex = string.Concat(id.Take(16).Select(b => b.ToString("x2")));
        return hex.Substring(0, 8) + "-" + hex.Substring(8, 4) + "-" + hex.Substring(12, 4) + "-" + hex.Substring(16, 4)
            + "-" + hex.Substring(20);
    }

    public static void Main()
    {
        Console.WriteLine(ReportId("BEDS", "organisations/RJ1/wards/A7", 1461664320000000, 0, "patients"));
    }
}
