// SPDX-License-Identifier: BSD-2-Clause
package penumbra.exam.concurrency;

import java.util.Set;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/** What can be wrong with all methods of a class. */
enum Defect {
    /** Kernel locks are not taken. */
    NO_LOCK {
        @Override
        MethodVisitor in(MethodVisitor real) {
            return new Omission(real, "penumbra/kern/KernelLock", Set.of("lock", "unlock"));
        }
    },

    /** A shooter does not wait. */
    NO_WAIT {
        @Override
        MethodVisitor in(MethodVisitor real) {
            return new Omission(real, "penumbra/hw/sim/SimCpu", Set.of("awaitAnswer"));
        }
    },

    /** Updates of variables are {@link Torn}. */
    NOT_ATOMIC {
        @Override
        MethodVisitor in(MethodVisitor real) {
            return new MethodVisitor(Opcodes.ASM9, real) {
                @Override
                public void visitMethodInsn(
                        int opcode, String owner, String name, String descriptor, boolean isInterface) {
                    boolean update = name.equals("compareAndSet") || name.startsWith("getAnd");
                    if (owner.equals("java/lang/invoke/VarHandle") && update) {
                        super.visitMethodInsn(
                                Opcodes.INVOKESTATIC, Type.getInternalName(Torn.class), name, torn(descriptor), false);
                    } else {
                        super.visitMethodInsn(opcode, owner, name, descriptor, isInterface);
                    }
                }
            };
        }

        private static String torn(String descriptor) {
            Type[] real = Type.getArgumentTypes(descriptor);
            Type[] torn = new Type[real.length + 1];
            System.arraycopy(real, 0, torn, 1, real.length);
            torn[0] = Type.getObjectType("java/lang/invoke/VarHandle");
            torn[1] = Type.getObjectType("java/lang/Object");
            return Type.getMethodDescriptor(Type.getReturnType(descriptor), torn);
        }
    };

    /** What is to be written in place of what is visited. */
    abstract MethodVisitor in(MethodVisitor real);

    /** The class file {@code real} with the defect. */
    byte[] plant(byte[] real) {
        ClassReader reader = new ClassReader(real);
        ClassWriter writer = new ClassWriter(reader, ClassWriter.COMPUTE_MAXS);
        reader.accept(
                new ClassVisitor(Opcodes.ASM9, writer) {
                    @Override
                    public MethodVisitor visitMethod(
                            int access, String name, String descriptor, String signature, String[] thrown) {
                        return in(super.visitMethod(access, name, descriptor, signature, thrown));
                    }
                },
                0);
        return writer.toByteArray();
    }

    /** Calls of some methods that return nothing are left out. */
    private static final class Omission extends MethodVisitor {
        private final String owner;
        private final Set<String> names;

        Omission(MethodVisitor real, String owner, Set<String> names) {
            super(Opcodes.ASM9, real);
            this.owner = owner;
            this.names = names;
        }

        @Override
        public void visitMethodInsn(int opcode, String of, String name, String descriptor, boolean isInterface) {
            if (!of.equals(owner) || !names.contains(name)) {
                super.visitMethodInsn(opcode, of, name, descriptor, isInterface);
                return;
            }
            Type[] arguments = Type.getArgumentTypes(descriptor);
            for (int i = arguments.length - 1; i >= 0; i--) {
                super.visitInsn(arguments[i].getSize() == 2 ? Opcodes.POP2 : Opcodes.POP);
            }
            super.visitInsn(Opcodes.POP);
        }
    }
}
