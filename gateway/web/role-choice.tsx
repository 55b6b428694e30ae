const roles = ['viewer', 'operator', 'admin'] as const;

export function roleOf(form: FormData): (typeof roles)[number] {
  return roles.find((each) => each === form.get('role')) ?? 'viewer';
}

export function RoleChoice() {
  return (
    <label>
      Role{' '}
      <select name="role">
        {roles.map((role) => (
          <option key={role}>{role}</option>
        ))}
      </select>
    </label>
  );
}
