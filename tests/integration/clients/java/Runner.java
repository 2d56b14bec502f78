public final class Runner { public static void main(String[] a) {} }
